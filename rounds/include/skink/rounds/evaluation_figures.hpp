#pragma once
/// @file
/// What an evaluation says about people or machines rather than about samples: means over units, and their spread.

#include <vector>

#include "skink/host/experiment/experiment.hpp"
#include "skink/rounds/records.hpp"
#include "skink/rounds/task_result.hpp"

namespace skink::rounds {

/// Mean and half the width of the 95 % interval; with one value the width is NaN, without any both are. NaN values are
/// left out.
Spread spread_of(const std::vector<double>& values);

/// The figures of an evaluation's tasks.
/// @param[in] unit  kTask or kClient
EvaluationFigures figures_of(const TaskResults& results, const Experiment& experiment, Unit unit);

/// The figures of the devices of a fleet: of what their sums tell, which is loss, accuracy and root mean square error.
EvaluationFigures figures_of(const std::vector<DeviceReport>& reports, const Experiment& experiment);

}  // namespace skink::rounds
