#pragma once
/// @file
/// Who takes part: which devices are held out for evaluation, and who adapts in a round. Pure functions of seed, round
/// and the size of the roster. docs/arithmetic.md, section 8.

#include <cstdint>
#include <vector>

namespace skink::rounds {

/// Roster indices, each list ascending.
struct Membership {
  std::vector<std::uint32_t> training;
  std::vector<std::uint32_t> held_out;
};

/// @param[in] devices   size of the roster, at least 1.
/// @param[in] held_out  below `devices`.
Membership split_roster(std::uint64_t seed, std::uint32_t devices, std::uint32_t held_out);

/// The device at `position` of a round's order. Positions 0..cohort-1 are the cohort, later ones replace stragglers.
/// @param[in] position  below training.size().
std::uint32_t cohort_device(std::uint64_t seed, std::uint32_t round, const std::vector<std::uint32_t>& training,
                            std::uint32_t position);

}  // namespace skink::rounds
