#pragma once
/// @file
/// Which devices train and which are held out for evaluation: a pure function of the experiment and the size of the
/// roster. docs/arithmetic.md, section 8.

#include <cstdint>
#include <vector>

#include "skink/host/experiment/experiment.hpp"

namespace skink {

/// Roster indices, each list ascending.
struct Membership {
  std::vector<std::uint32_t> training;
  std::vector<std::uint32_t> held_out;
};

/// @param[in] devices  size of the roster, above fleet.held_out.
Membership split_roster(std::uint64_t seed, const FleetConfig& fleet, std::uint32_t devices);
/// Of the roster that the experiment asks for.
Membership split_roster(const Experiment& experiment);

}  // namespace skink
