#pragma once
/// @file
/// The result of a run for people and programs: summary.json, metrics.csv and a table. The same for a fleet and for the
/// simulator, so that the two can be compared field by field.

#include <string>
#include <vector>

#include "skink/coordinator/core/coordinator.hpp"

namespace skink::coordinator {

/// What summary.json says.
struct Summary {
  std::string experiment;
  std::string source;  ///< "fleet" or "simulator"
  std::uint64_t seed = 0;
  std::uint64_t run = 0;
  std::uint32_t devices = 0;
  std::uint32_t held_out = 0;
  std::uint32_t rounds = 0;
  double wall_seconds = 0;
  rounds::Traffic traffic;
  bool evaluated = false;
  bool classifies = false;
  rounds::EvaluationRecord last_evaluation;
  std::string model_sha256;
  std::size_t model_bytes = 0;
  std::size_t parameters = 0;
  std::string uplink;
  /// Mean bytes of one device-round, evaluation traffic included.
  double uplink_bytes_per_device_round() const;
  double downlink_bytes_per_device_round() const;
};

/// Where a run stands, whoever carries it out. Borrows.
struct RunState {
  const Experiment& experiment;
  std::uint64_t run = 0;
  std::uint32_t devices = 0;
  std::uint32_t held_out = 0;
  std::uint32_t rounds_done = 0;
  rounds::Traffic traffic;
  const std::vector<rounds::EvaluationRecord>& evaluations;
  const std::vector<std::uint8_t>& model_file;
  crypto::Digest model_digest;
  std::size_t parameters = 0;
};
/// That of a coordinator. Borrows from it until it is changed.
RunState state_of(const Coordinator& coordinator);

/// @param[in] source        "fleet" or "simulator"
/// @param[in] wall_seconds  that the run took
Summary summarize(const RunState& state, const std::string& source, double wall_seconds);

/// One JSON object, fields as docs/experiment-output.md lists them.
std::string to_json(const Summary& summary);

/// A table for a terminal, some 10 lines.
std::string to_table(const Summary& summary);

/// updates.csv: its heading and, for a change that was taken, its line without the end. Two ways of computing one
/// experiment give the same lines in another order, so they tell which device of which round computed something else.
inline constexpr const char* kUpdatesHeading = "round,attempt,device_index,device,support_samples,bytes,sha256";
std::string updates_line(const TakenUpdate& update);

}  // namespace skink::coordinator
