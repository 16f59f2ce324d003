#include "skink/rounds/round_history.hpp"

#include <algorithm>
#include <utility>

namespace skink::rounds {
namespace {

bool says_more_than_counts(const RoundRecord& record) {
  return !record.model_sha256.empty() || record.duration_ms != 0 || record.traffic.counts_bytes;
}

bool are_alike(const RoundRecord& a, const RoundRecord& b) {
  return a.updates == b.updates && a.diverged == b.diverged && a.refused == b.refused && a.replaced == b.replaced &&
         a.total_weight == b.total_weight && !says_more_than_counts(a) && !says_more_than_counts(b);
}

}  // namespace

void RoundHistory::add(Stretch stretch) {
  size_ += stretch.count;
  if (!stretches_.empty() && are_alike(stretches_.back().first, stretch.first)) {
    stretches_.back().count += stretch.count;
  } else {
    stretches_.push_back(std::move(stretch));
  }
}

RoundRecord RoundHistory::record_in(const Stretch& stretch, std::uint32_t place) const {
  RoundRecord record = stretch.first;
  record.round += place;
  record.traffic.device_rounds += std::uint64_t{place} * record.updates;
  if (place > 0) record.meta_learning_rate = strategy_->meta_learning_rate(record.round);
  return record;
}

RoundRecord RoundHistory::operator[](std::uint32_t round) const {
  const auto begins_later = [](std::uint32_t number, const Stretch& stretch) { return number < stretch.first.round; };
  const auto next = std::upper_bound(stretches_.begin(), stretches_.end(), round, begins_later);
  const Stretch& stretch = *(next - 1);
  return record_in(stretch, round - stretch.first.round);
}

UpdateCounts RoundHistory::counts() const {
  UpdateCounts counts;
  for (const Stretch& stretch : stretches_) {
    counts.taken += std::uint64_t{stretch.count} * stretch.first.updates;
    counts.diverged += std::uint64_t{stretch.count} * stretch.first.diverged;
    counts.refused += std::uint64_t{stretch.count} * stretch.first.refused;
  }
  return counts;
}

void RoundHistory::set_last_hash(const std::string& model_sha256) {
  RoundRecord last = back();
  last.model_sha256 = model_sha256;
  if (--stretches_.back().count == 0) stretches_.pop_back();
  --size_;
  add(last);
}

bool RoundHistory::Reader::next(RoundRecord& record) {
  if (stretch_ == history_->stretches_.size()) return false;
  const Stretch& stretch = history_->stretches_[stretch_];
  record = history_->record_in(stretch, place_);
  if (++place_ == stretch.count) {
    place_ = 0;
    ++stretch_;
  }
  return true;
}

}  // namespace skink::rounds
