#pragma once
/// @file
/// The result of a run for people and programs: summary.json, metrics.csv and a table. The same for a fleet and for the
/// simulator, so that the two can be compared field by field.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "skink/coordinator/core/coordinator.hpp"
#include "skink/host/experiment/tasks.hpp"
#include "skink/rounds/round_history.hpp"
#include "skink/rounds/task_result.hpp"

namespace skink::coordinator {

/// A larger matrix is in confusion.csv alone.
inline constexpr std::uint32_t kMostConfusedClasses = 100;

/// How often each class was taken for each, before and after adaptation.
struct ConfusionTables {
  std::vector<std::string> classes;  ///< their names
  rounds::Confusion before;
  rounds::Confusion after;
};

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
  std::uint64_t device_rounds_before = 0;  ///< of these, those of earlier processes, whose seconds are not in it
  rounds::UpdateCounts updates;
  bool evaluated = false;
  bool classifies = false;
  rounds::EvaluationRecord last_evaluation;
  std::string model_sha256;
  std::size_t model_bytes = 0;
  std::size_t parameters = 0;
  std::string uplink;
  std::string experiment_sha256;  ///< of experiment.toml
  std::string dataset;            ///< its name; empty: none
  std::string dataset_sha256;     ///< empty: none, or samples that the devices have
  // of a simulation on a data set
  std::string partition_sha256;  ///< empty: not known
  TaskCensus training_clients;
  TaskCensus evaluation_clients;
  std::uint32_t shared_readings = 0;  ///< TaskGenerator::shared_readings()
  std::uint32_t known_clients = 0;    ///< TaskGenerator::known_clients()
  /// Classes that no query sample of the last evaluation has; nothing: not known, or labels are not fixed.
  std::optional<std::vector<std::string>> unjudged_classes;
  std::optional<ConfusionTables> confusion;  ///< likewise, of up to kMostConfusedClasses
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
  std::span<const std::string> roster = {};  ///< ids; empty: devices are places
};
/// That of a coordinator. Borrows from it until it is changed.
RunState state_of(const Coordinator& coordinator);

/// @param[in] rounds        the finished rounds
/// @param[in] source        "fleet" or "simulator"
/// @param[in] wall_seconds  that the run took
Summary summarize(const RunState& state, const rounds::RoundHistory& rounds, const std::string& source,
                  double wall_seconds);

/// One JSON object, fields as docs/experiment-output.md lists them.
std::string to_json(const Summary& summary);

/// A table for a terminal, some 10 lines.
std::string to_table(const Summary& summary);

/// An evaluation in words, without what was evaluated: "loss 4.2034 before adaptation, 0.0160 after"; says so when
/// nobody answered, and when tasks diverged.
std::string loss_text(const rounds::EvaluationRecord& record);
/// "20.3 % before adaptation, 92.2 % after"; "-" where there is nothing.
std::string accuracy_text(const rounds::EvaluationRecord& record, int digits = 1);
/// With `digits` after the point, or "-" where there is nothing.
std::string number_text(const std::optional<double>& value, int digits = 4);

/// updates.csv: its heading and, for a change that was taken, its line without the end. Two ways of computing one
/// experiment give the same lines in another order, so they tell which device of which round computed something else.
inline constexpr const char* kUpdatesHeading = "round,attempt,device_index,device,support_samples,bytes,sha256";
std::string updates_line(const TakenUpdate& update);

}  // namespace skink::coordinator
