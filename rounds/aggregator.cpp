#include "skink/rounds/aggregator.hpp"

#include "skink/common/arithmetic/fixed_point.hpp"

namespace skink::rounds {

Aggregator::Aggregator(const nn::Network& network, double clip_norm, Executor executor)
    : network_(network), clip_norm_(clip_norm), executor_(std::move(executor)), partial_sums_(executor_.workers) {}

void Aggregator::reset() {
  for (PartialSum& partial : partial_sums_) partial.reset();
  total_weight_ = 0;
  updates_ = 0;
}

std::vector<wire::Refusal> Aggregator::add(const codec::Codec& codec, Span<const EncodedChange> changes) {
  if (!has_room_for(changes)) return add_one_by_one(codec, changes);
  std::vector<wire::Refusal> refusals(changes.size());
  executor_.run(static_cast<std::uint32_t>(changes.size()), [&](std::uint32_t worker, std::uint32_t part) {
    refusals[part] = partial_sums_[worker].add(codec, network_, clip_norm_, changes[part]);
  });
  for (std::size_t i = 0; i < refusals.size(); ++i) {
    if (refusals[i] == wire::Refusal::kNone) count(changes[i].weight);
  }
  return refusals;
}

/// Even if all of them are sound.
bool Aggregator::has_room_for(Span<const EncodedChange> changes) const {
  std::uint64_t total = total_weight_;
  for (const EncodedChange& change : changes) total += change.weight;
  return total < arithmetic::kMaxTotalWeight;
}

/// Which of them find room depends on what becomes of those before.
std::vector<wire::Refusal> Aggregator::add_one_by_one(const codec::Codec& codec, Span<const EncodedChange> changes) {
  std::vector<wire::Refusal> refusals;
  for (const EncodedChange& change : changes) {
    const bool has_room = change.weight < arithmetic::kMaxTotalWeight - total_weight_;
    wire::Refusal refusal =
        has_room ? partial_sums_[0].add(codec, network_, clip_norm_, change) : check(codec, network_, change);
    if (refusal == wire::Refusal::kNone) {
      if (has_room) count(change.weight);
      if (!has_room) refusal = wire::Refusal::kTooLarge;
    }
    refusals.push_back(refusal);
  }
  return refusals;
}

void Aggregator::count(std::uint32_t weight) {
  total_weight_ += weight;
  ++updates_;
}

std::vector<std::int64_t> Aggregator::sums() const {
  std::vector<std::int64_t> sums(network_.parameter_count(), 0);
  for (const PartialSum& partial : partial_sums_) {
    if (partial.is_empty()) continue;
    for (std::size_t e = 0; e < sums.size(); ++e) sums[e] += partial.sums()[e];
  }
  return sums;
}

}  // namespace skink::rounds
