#include "skink/rounds/aggregator.hpp"

#include "skink/common/arithmetic/fixed_point.hpp"

namespace skink::rounds {

Aggregator::Aggregator(const nn::Network& network, Executor executor)
    : network_(network), executor_(std::move(executor)), partial_sums_(executor_.workers) {}

void Aggregator::reset(const Clip& clip) {
  clip_ = clip;
  for (PartialSum& partial : partial_sums_) partial.reset();
  total_weight_ = 0;
  updates_ = 0;
}

std::vector<wire::Refusal> Aggregator::add(const codec::Codec& codec, Span<const EncodedChange> changes) {
  norms_.assign(changes.size(), 0);
  if (!has_room_for(changes)) return add_one_by_one(codec, changes);
  std::vector<wire::Refusal> refusals(changes.size());
  executor_.run(static_cast<std::uint32_t>(changes.size()), [&](std::uint32_t worker, std::uint32_t part) {
    refusals[part] = partial_sums_[worker].add(codec, network_, clip_, changes[part], norms_[part]);
  });
  for (std::size_t i = 0; i < refusals.size(); ++i) {
    if (refusals[i] == wire::Refusal::kNone) count(weight_of(changes[i], norms_[i]));
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
    wire::Refusal refusal = has_room ? partial_sums_[0].add(codec, network_, clip_, change, norms_[refusals.size()])
                                     : check(codec, network_, change);
    if (refusal == wire::Refusal::kNone) {
      if (has_room) count(weight_of(change, norms_[refusals.size()]));
      if (!has_room) refusal = wire::Refusal::kTooLarge;
    }
    refusals.push_back(refusal);
  }
  return refusals;
}

std::uint32_t Aggregator::weight_of(const EncodedChange& change, double norm) const {
  return clip_.most > 0 && norm > clip_.most ? 0 : change.weight;
}

void Aggregator::count(std::uint32_t weight) {
  total_weight_ += weight;
  ++updates_;
}

std::uint32_t Aggregator::longer() const {
  std::uint32_t longer = 0;
  for (const PartialSum& partial : partial_sums_) longer += partial.longer();
  return longer;
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
