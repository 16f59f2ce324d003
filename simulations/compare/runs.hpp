#pragma once
/// @file
/// The runs of an arm, by seed, and where their figures are.

#include <string>
#include <vector>

#include "skink/simulations/compare.hpp"

namespace skink::simulations {

inline std::vector<const SweepRun*> runs_of(const SweepResult& sweep, std::size_t arm) {
  std::vector<const SweepRun*> runs;
  for (const SweepRun& run : sweep.runs) {
    if (run.point == arm) runs.push_back(&run);
  }
  return runs;
}

inline std::string devices_path(const CompareOptions& options, const SweepRun& run) {
  return options.sweep.out_dir + "/" + run.folder + "/devices.csv";
}

}  // namespace skink::simulations
