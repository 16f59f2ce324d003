#pragma once
/// @file
/// Who takes part: which devices are held out for evaluation, and who adapts in a round. Pure functions of seed, round
/// and the size of the roster. docs/arithmetic.md, section 8.

#include <cstdint>
#include <vector>

#include "skink/host/experiment/experiment.hpp"

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

/// How many tasks the evaluation after `rounds_done` rounds has.
std::uint32_t evaluation_tasks(const Experiment& experiment, std::uint32_t rounds_done);

/// Tasks first .. first + count - 1.
struct TaskShare {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
};

/// The part of `tasks` that the held-out device at `place` of `devices` computes.
TaskShare evaluation_share(std::uint32_t tasks, std::uint64_t place, std::uint64_t devices);

}  // namespace skink::rounds
