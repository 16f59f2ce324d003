#pragma once
/// @file
/// Where the time of an experiment's rounds goes: the learning engine computes them on one thread, now and then with a
/// clock that is read after every stage. Evaluations are left out.

#include <string>
#include <vector>

#include "skink/host/result.hpp"
#include "skink/simulations/run.hpp"

namespace skink::simulations {

/// What is profiled.
struct ProfileOptions {
  RunOptions run;      ///< experiment, data, lanes, isa; the rest is ignored
  double seconds = 4;  ///< about, in all
};

/// One stage of a device-round.
struct ProfileRow {
  std::string stage;
  double nanoseconds = 0;       ///< per device-round, without what reading the clock takes
  double share = 0;             ///< of all stages
  double gigaflops = 0;         ///< multiplications and additions a nanosecond; 0: not counted there
  double fraction_of_peak = 0;  ///< of this instruction set on one core, measured in the same run
};

/// Where the time of a device-round goes.
struct Profile {
  std::string experiment;
  std::string lanes;  ///< "device", "neuron"
  std::string isa;
  std::uint32_t support_count = 0;  ///< samples of a device
  std::uint32_t passes = 1;
  double nanoseconds = 0;        ///< of a device-round when no clock is read; the median of several slices
  double timed_nanoseconds = 0;  ///< the same with the clock, its own time included
  std::vector<ProfileRow> rows;  ///< in the order of the work
};

/// Errors: as run_experiment().
Result<Profile> run_profile(const ProfileOptions& options);

/// The JSON object that docs/experiment-output.md describes.
std::string to_json(const Profile& profile);
/// For people.
std::string to_table(const Profile& profile);

}  // namespace skink::simulations
