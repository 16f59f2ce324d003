#pragma once
/// @file
/// Counts what a run's device-rounds would cost on the network, by the lengths of the changes and by how each device
/// gets its model: from patches, or whole.

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "skink/rounds/downlink.hpp"
#include "skink/simulations/wire_cost.hpp"
#include "skink/simulations/wire_totals.hpp"

namespace skink::simulations {

class WireCounter {
 public:
  explicit WireCounter(const Experiment& experiment);

  /// The devices of the next round, and how long the changes are that they encoded; 0 for one that diverged.
  void count_round(const std::vector<std::uint32_t>& devices, const std::vector<std::uint32_t>& encoded_bytes);
  /// What that round's patch is long; 0 for a round without a step. Compressed downlinks only.
  void add_patch(std::uint32_t bytes);

  const WireTotals& totals() const { return state_.totals; }

  /// All that later counts depend on.
  struct State {
    WireTotals totals;
    std::vector<std::uint32_t> models;   ///< of each device: 1 + the round that it last took part in; 0: none
    std::vector<std::uint32_t> patches;  ///< lengths of those that are kept, the last round's last
  };
  State state() const;
  /// @returns false when it cannot be of this experiment.
  bool restore(const State& state);

 private:
  std::uint32_t chain_for(std::uint32_t device) const;
  const WireBytes& cost(std::uint32_t chain_bytes, std::uint32_t encoded_bytes);

  DeviceRound typical_;
  bool patches_models_;
  rounds::PatchLengths patches_;
  State state_;  // but for patches
  std::unordered_map<std::uint64_t, WireBytes> known_;
};

}  // namespace skink::simulations
