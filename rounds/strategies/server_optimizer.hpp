#pragma once
/// @file
/// Strategies whose coordinator keeps doubles for every trainable parameter: how these are saved and restored. Private
/// to rounds.

#include <cstdint>
#include <vector>

#include "skink/rounds/strategy.hpp"

namespace skink::rounds::internal {

/// A strategy that keeps one or more vectors of doubles, [trainable parameters] each, one after the other.
class ServerOptimizer : public Strategy {
 public:
  using Strategy::Strategy;
  bool steps_plainly() const final { return false; }
  /// As bytes: version, length of the name, the strategy's name, then the doubles, little-endian.
  std::vector<std::uint8_t> save(const StrategyState& state) const final;
  bool restore(Span<const std::uint8_t> bytes, StrategyState& state) const final;

 private:
  /// Of what the numbers mean; another one is refused.
  virtual std::uint8_t version() const { return 1; }
  std::vector<std::uint8_t> head() const;
};

}  // namespace skink::rounds::internal
