#pragma once
/// @file
/// Who adapts in a round: a pure function of seed, round and the devices that train
/// (skink/host/experiment/membership.hpp). docs/arithmetic.md, section 8.

#include <cstdint>
#include <vector>

namespace skink::rounds {

/// The device at `position` of a round's order. Positions 0..cohort-1 are the cohort, later ones replace stragglers.
/// @param[in] position  below training.size().
std::uint32_t cohort_device(std::uint64_t seed, std::uint32_t round, const std::vector<std::uint32_t>& training,
                            std::uint32_t position);

}  // namespace skink::rounds
