#pragma once
/// @file
/// What an evaluation says about people or machines rather than about samples: figures over units, and devices.csv with
/// a line for each task.

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

/// Mean and half the width of the 95 % interval; with one value the width is NaN, without any both are. NaN values are
/// left out.
rounds::Spread spread_of(const std::vector<double>& values);

/// The figures of an evaluation's tasks.
/// @param[in] are_clients  units are the clients; else the tasks
rounds::EvaluationFigures figures_of(const rounds::TaskResults& results, const Experiment& experiment,
                                     bool are_clients);

/// devices.csv: one line for each task, columns as docs/experiment-output.md lists them; empty where nothing was
/// measured.
std::string devices_csv(const rounds::TaskResults& results, const Experiment& experiment, const Clients& clients);

/// The confusion matrix as a table: a line for each wanted class, a column for each answer. Empty when not counted.
/// @param[in] names  of the classes, or empty
std::string confusion_csv(const rounds::TaskResults& results, const std::vector<std::string>& names);

}  // namespace skink::coordinator
