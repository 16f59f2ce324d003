#pragma once
/// @file
/// One figure of a finished run, read from its devices.csv and gathered by unit: by client, or by task where records
/// are nobody's.

#include <map>
#include <string>
#include <vector>

#include "skink/host/experiment/experiment.hpp"
#include "skink/host/result.hpp"
#include "skink/rounds/records.hpp"

namespace skink::simulations {

/// How a client's tasks become one figure, as rounds::figures_of() makes it.
enum class Pooling {
  kBySamples,
  kByTasks,      ///< each task weighs the same
  kRoot,         ///< squares are averaged before the root is taken
  kPersistence,  ///< squares are added up before they are compared with those of persistence
};

/// A figure of devices.csv.
struct DeviceFigure {
  const char* name;  ///< of its columns, without "_before"
  bool higher_is_better;
  Pooling pooling;
  bool (*is_of)(const Experiment& experiment);  ///< is it measured there?
};

/// Nullptr: there is none of the name.
const DeviceFigure* find_figure(const std::string& name);
/// "accuracy, loss": of an experiment, or all.
std::string figure_names(const Experiment* experiment);

/// A unit's mean over its tasks, as figures over people take it (rounds::figures_of). NaN: no task has one.
struct UnitFigure {
  double before = rounds::kNotMeasured;
  double after = rounds::kNotMeasured;  ///< of tasks that did not diverge
};

/// The units of a run.
struct RunFigures {
  bool has_names = false;
  std::map<std::string, UnitFigure> units;  ///< by its name in the file, or "task N"
};

/// @param[in] path  of a devices.csv
/// @returns kUnavailable, kDamaged; kInvalidArgument: no task has the figure.
Result<RunFigures> read_figures(const std::string& path, const DeviceFigure& figure);

}  // namespace skink::simulations
