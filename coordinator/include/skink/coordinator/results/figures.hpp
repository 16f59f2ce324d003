#pragma once
/// @file
/// The figures of an evaluation as files have them: devices.csv with a line for each task or device, the confusion
/// matrix, and a list of all figures.

#include <span>
#include <string>
#include <vector>

#include "skink/host/experiment/experiment.hpp"
#include "skink/rounds/records.hpp"
#include "skink/rounds/task_result.hpp"

namespace skink::coordinator {

/// Whose tasks they were.
struct Clients {
  std::vector<std::string> names;       ///< by TaskResult::client; empty: records are nobody's in particular
  std::vector<std::uint32_t> held_out;  ///< roster indices of the devices that evaluate, in turn
};

/// One figure, for those who list them all.
struct Measure {
  const char* name;   ///< in files
  const char* title;  ///< for people
  rounds::BeforeAfter rounds::EvaluationFigures::*figure;
  bool is_own_line;  ///< in the table of a run
};
std::span<const Measure> measures();

/// "client": a word for people and files.
const char* unit_name(rounds::Unit unit);

/// devices.csv: one line for each task, columns as docs/experiment-output.md lists them; empty where nothing was
/// measured.
std::string devices_csv(const rounds::TaskResults& results, const Experiment& experiment, const Clients& clients);
/// The same of a fleet: one line for each device that reported, without the number of a task.
/// @param[in] roster  ids by device_index
std::string devices_csv(const std::vector<rounds::DeviceReport>& reports, const Experiment& experiment,
                        std::span<const std::string> roster);

/// The confusion matrix as a table: a line for each wanted class, a column for each answer. Empty when not counted.
/// @param[in] names  of the classes, or empty
std::string confusion_csv(const rounds::TaskResults& results, const std::vector<std::string>& names);

}  // namespace skink::coordinator
