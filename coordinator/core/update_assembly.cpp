#include "skink/coordinator/core/update_assembly.hpp"

namespace skink::coordinator {

void UpdateAssembly::reset(std::size_t expected_bytes) {
  bytes_.clear();
  expected_ = expected_bytes;
  next_chunk_ = 0;
  chunk_count_ = 0;
}

UpdateAssembly::Step UpdateAssembly::take(const wire::Update& update, Bytes payload) {
  if (update.total_bytes != expected_ || update.chunk >= update.chunk_count) return Step::kWrongShape;
  if (chunk_count_ != 0 && update.chunk_count != chunk_count_) {
    reset(expected_);  // the device was restarted with another chunk size: begin again
  }
  chunk_count_ = update.chunk_count;
  if (update.chunk < next_chunk_) return next_chunk_ == chunk_count_ ? Step::kComplete : Step::kIncomplete;
  if (update.chunk > next_chunk_) return Step::kResend;
  const std::size_t left = expected_ - bytes_.size();
  const bool is_last = update.chunk + 1 == update.chunk_count;
  const bool fits = update.offset == bytes_.size() && payload.size() <= left && (payload.size() == left) == is_last;
  if (!fits || payload.empty()) return Step::kWrongShape;
  bytes_.insert(bytes_.end(), payload.begin(), payload.end());
  ++next_chunk_;
  return is_last ? Step::kComplete : Step::kIncomplete;
}

}  // namespace skink::coordinator
