#include "skink/coordinator/core/update_assembly.hpp"

namespace skink::coordinator {

void UpdateAssembly::reset() {
  bytes_ = {};
  next_chunk_ = 0;
  chunk_count_ = 0;
  gap_chunk_ = 0;
}

UpdateAssembly::Step UpdateAssembly::take(const wire::Update& update, Bytes payload, std::size_t most_bytes) {
  if (update.total_bytes == 0 || update.total_bytes > most_bytes || update.chunk >= update.chunk_count) {
    return Step::kWrongShape;
  }
  const bool continues =
      update.chunk_count == chunk_count_ && update.total_bytes == total_ && update.residual_round == residual_round_;
  if (!continues) reset();
  chunk_count_ = update.chunk_count;
  total_ = update.total_bytes;
  residual_round_ = update.residual_round;
  if (update.chunk < next_chunk_) return next_chunk_ == chunk_count_ ? Step::kComplete : Step::kIncomplete;
  if (update.chunk > next_chunk_) {
    const bool goes_on = update.chunk > gap_chunk_ && gap_chunk_ != 0;
    gap_chunk_ = update.chunk;
    return goes_on ? Step::kKnownGap : Step::kResend;
  }
  const std::size_t left = total_ - bytes_.size();
  const bool is_last = update.chunk + 1 == update.chunk_count;
  const bool fits = update.offset == bytes_.size() && payload.size() <= left && (payload.size() == left) == is_last;
  if (!fits || payload.empty()) return Step::kWrongShape;
  bytes_.insert(bytes_.end(), payload.begin(), payload.end());
  ++next_chunk_;
  gap_chunk_ = 0;
  return is_last ? Step::kComplete : Step::kIncomplete;
}

}  // namespace skink::coordinator
