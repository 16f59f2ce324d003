#pragma once
/// @file
/// Where a run of the learning engine stands, as a file: enough to go on as if nothing had happened. Written in one
/// step, so that a kill leaves the one before.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "skink/host/result.hpp"
#include "skink/rounds/records.hpp"
#include "skink/rounds/round_history.hpp"
#include "skink/simulations/learning/peers.hpp"
#include "wire_counter.hpp"

namespace skink::simulations {

struct Checkpoint {
  std::string experiment;                             ///< what RunOptions::experiment_id says
  std::string dataset;                                ///< what RunOptions::dataset_sha256 says
  std::vector<rounds::RoundHistory::Stretch> rounds;  ///< updates, diverged, refused, total_weight, model_sha256
  std::vector<rounds::EvaluationRecord> evaluations;
  double wall_seconds = 0;                                              ///< that the rounds took
  std::vector<std::uint8_t> model;                                      ///< .skm after the last round
  std::vector<std::pair<std::uint32_t, std::vector<float>>> residuals;  ///< of devices that have one
  std::vector<float> downlink_residual;                                 ///< rounds::Downlink::residual()
  std::vector<std::uint8_t> strategy_state;                             ///< rounds::MetaModel::strategy_state()
  std::vector<WireTotals> wire_rows;                                    ///< WireCounter::totals() at each evaluation
  WireCounter::State wire;                                              ///< if that is counted
};

std::string checkpoint_path(const std::string& folder);

Result<void> write_checkpoint(const std::string& path, const Checkpoint& checkpoint);

/// What the file holds before its hash; nothing when there is no such file.
/// @returns kDamaged when the hash is that of another text; kUnavailable.
Result<std::optional<std::string>> read_checkpoint_text(const std::string& path);
/// What rank 0 has found, in every process. Collective.
Result<std::optional<std::string>> take_over(Peers& peers, const Result<std::optional<std::string>>& found);

/// Errors say what is wrong with the file and what to do.
/// @param[in] most_rounds  of the run: a short file can say that there were 2^32, and they are kept in memory.
Result<Checkpoint> parse_checkpoint(const std::string& text, const std::string& path, std::uint32_t most_rounds);

}  // namespace skink::simulations
