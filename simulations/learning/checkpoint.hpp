#pragma once
/// @file
/// Where a run of the learning engine stands, as a file: enough to go on as if nothing had happened. Written in one
/// step, so that a kill leaves the one before.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "skink/common/host/result.hpp"
#include "skink/coordinator/core/records.hpp"

namespace skink::simulations {

struct Checkpoint {
  std::string experiment;                        ///< what RunOptions::experiment_id says
  std::vector<coordinator::RoundRecord> rounds;  ///< updates, diverged, refused, total_weight, model_sha256
  std::vector<coordinator::EvaluationRecord> evaluations;
  double wall_seconds = 0;          ///< that the rounds took
  std::vector<std::uint8_t> model;  ///< .skm after the last round
};

std::string checkpoint_path(const std::string& folder);

Result<void> write_checkpoint(const std::string& path, const Checkpoint& checkpoint);

/// Nothing when there is no such file. Errors say what is wrong with it and what to do.
Result<std::optional<Checkpoint>> read_checkpoint(const std::string& path);

}  // namespace skink::simulations
