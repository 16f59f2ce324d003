#pragma once
/// @file
/// One figure of a finished run, read from its devices.csv and gathered by unit: by client, or by task where records
/// are nobody's.

#include <map>
#include <string>
#include <vector>

#include "skink/host/result.hpp"
#include "skink/rounds/records.hpp"

namespace skink::simulations {

/// A unit's mean over its tasks, as figures over people take it (coordinator::figures_of). NaN: no task has one.
struct UnitFigure {
  double before = rounds::kNotMeasured;
  double after = rounds::kNotMeasured;  ///< of tasks that did not diverge
};

/// The units of a run.
struct RunFigures {
  bool units_are_clients = false;
  std::map<std::string, UnitFigure> units;  ///< by the client's name, or "task N"
};

/// @param[in] path    of a devices.csv
/// @param[in] figure  one of its columns, without "_before"
/// @returns kUnavailable, kDamaged; kInvalidArgument: there is no such column, or no task has the figure.
Result<RunFigures> read_figures(const std::string& path, const std::string& figure);

}  // namespace skink::simulations
