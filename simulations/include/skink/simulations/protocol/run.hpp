#pragma once
/// @file
/// One whole simulated run: experiment in, files out.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "skink/coordinator/core/summary.hpp"
#include "skink/simulations/protocol/world.hpp"

namespace skink::simulations {

struct RunOptions {
  Experiment experiment;
  std::string data_dir;  ///< --data; empty: the environment's SKINK_DATA
  std::string out_dir;   ///< exists; empty: nothing is written
  WorldOptions world;
  std::uint64_t run = 1;
  std::uint64_t checkpoint_rounds = 0;  ///< model-<rounds>.skm every so many rounds; 0: none
  const coordinator::RunSnapshot* replay = nullptr;
  std::function<void(const coordinator::Coordinator&)> on_progress;  ///< after every round
  std::function<void(const coordinator::TakenUpdate&)> on_update;    ///< every change that is taken
  std::function<bool()> stop;
};

struct RunResult {
  coordinator::Summary summary;
  bool finished = false;
  std::vector<coordinator::RoundRecord> rounds;
  std::vector<coordinator::EvaluationRecord> evaluations;
  std::vector<coordinator::TranscriptEvent> events;
  Result<void> written;  ///< the first file that could not be written; everything else holds all the same
};

/// Runs in virtual time and writes summary.json, metrics.csv and model.skm. A run that was stopped writes what there
/// is. Errors: data not found or unusable; the message says which and what to do.
Result<RunResult> run_experiment(const RunOptions& options);

/// The key of every simulated fleet; secrecy is of no use there.
wire::Key simulation_key();

}  // namespace skink::simulations
