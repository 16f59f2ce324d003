#pragma once
/// @file
/// The sum of a round's changes in 64-bit fixed point: exact, so that neither arrival order nor threads nor ranks can
/// change it. docs/arithmetic.md, section 8.

#include <cstdint>
#include <vector>

#include "skink/common/nn/network.hpp"
#include "skink/common/span.hpp"
#include "skink/common/wire/messages.hpp"
#include "skink/rounds/executor.hpp"
#include "skink/rounds/partial_sum.hpp"

namespace skink::rounds {

/// The sum of one round. Not thread-safe; it uses the workers that it is given.
class Aggregator {
 public:
  /// The sum is empty, and nothing is clipped.
  /// @param[in] executor  decodes and adds
  explicit Aggregator(const nn::Network& network, Executor executor = {});

  /// Forgets all updates.
  /// @param[in] clip  of those that come
  void reset(const Clip& clip = {});

  /// Decodes changes, adds those that can be added, and counts them; on all workers at once.
  ///
  /// @returns for each change, as if they had come one after the other, kNone, or why nothing of it was added:
  ///          kMalformed, kNotFinite, kTooLarge (an element of 128 or more, or a total weight of 2^20).
  std::vector<wire::Refusal> add(const codec::Codec& codec, Span<const EncodedChange> changes);

  /// Of the changes of the last add(), before they were clipped; 0: not measured, as nothing is clipped.
  const std::vector<double>& norms() const { return norms_; }

  /// Of all changes that were added since reset().
  std::uint32_t total_weight() const { return total_weight_; }
  std::uint32_t updates() const { return updates_; }
  /// Those that are longer than the usual one.
  std::uint32_t longer() const;
  /// [P], their weighted sum in units of 2^-36.
  std::vector<std::int64_t> sums() const;

 private:
  std::uint32_t weight_of(const EncodedChange& change, double norm) const;
  void count(std::uint32_t weight);
  bool has_room_for(Span<const EncodedChange> changes) const;
  std::vector<wire::Refusal> add_one_by_one(const codec::Codec& codec, Span<const EncodedChange> changes);

  nn::Network network_;
  Clip clip_;
  Executor executor_;
  std::vector<PartialSum> partial_sums_;  // of each worker
  std::vector<double> norms_;
  std::uint32_t total_weight_ = 0;
  std::uint32_t updates_ = 0;
};

}  // namespace skink::rounds
