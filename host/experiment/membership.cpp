#include "skink/host/experiment/membership.hpp"

#include "skink/common/arithmetic/permutation.hpp"

namespace skink {

using arithmetic::Purpose;

Membership split_roster(std::uint64_t seed, const FleetConfig& fleet, std::uint32_t devices) {
  const arithmetic::PhiloxBlock key = arithmetic::philox(seed, 0, static_cast<std::uint32_t>(Purpose::kHeldOut), 0, 0);
  std::vector<bool> is_held_out(devices, false);
  for (std::uint32_t j = 0; j < fleet.held_out; ++j) {
    const bool is_last = fleet.hold_out == HoldOut::kLast;
    is_held_out[is_last ? devices - 1 - j : arithmetic::permute(j, devices, key)] = true;
  }
  Membership membership;
  for (std::uint32_t device = 0; device < devices; ++device) {
    (is_held_out[device] ? membership.held_out : membership.training).push_back(device);
  }
  return membership;
}

Membership split_roster(const Experiment& experiment) {
  return split_roster(experiment.seed, experiment.fleet, experiment.fleet.devices);
}

}  // namespace skink
