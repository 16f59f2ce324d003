#pragma once
/// @file
/// What measurements of this machine have in common.

#include <ctime>
#include <vector>

#include "skink/simulations/learning/lanes.hpp"

namespace skink::simulations {

/// Of this clock, in seconds.
double now(clockid_t clock);

/// Seconds that `work` takes: of the processor for one thread, which others on this machine disturb less; by the wall
/// for several.
template <class Work>
double seconds_of(std::uint32_t threads, const Work& work) {
  const clockid_t clock = threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
  const double start = now(clock);
  work();
  return now(clock) - start;
}

/// @param[in] values  at least one
double median(std::vector<double> values);

/// Multiplications and additions a second that one core can do with these instructions.
double peak_of(const LaneFunctions& functions);

}  // namespace skink::simulations
