#include "skink/simulations/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "notes.hpp"
#include "runs.hpp"
#include "skink/host/experiment/device_memory.hpp"
#include "skink/host/experiment/strategies.hpp"
#include "skink/host/files/files.hpp"
#include "skink/rounds/evaluation_figures.hpp"
#include "skink/rounds/evaluation_plan.hpp"
#include "units.hpp"

namespace skink::simulations {
namespace {

using ArmRuns = std::vector<RunFigures>;  // by seed

Error refused(const std::string& why) { return make_error(Status::kInvalidArgument, why, Cause::kConfiguration); }

/// What suits the objective. A reconstruction with a normal class has an AUC.
std::string figure_for(const Experiment& experiment) {
  switch (objective_of(experiment)) {
    case Objective::kClassify: return "accuracy";
    case Objective::kRegress: return "root_mean_square_error";
    case Objective::kReconstruct: break;
  }
  return experiment.task.normal.empty() ? "loss" : "auc";
}

Result<ArmRuns> read_arm(const CompareOptions& options, const SweepResult& sweep, std::size_t arm,
                         const DeviceFigure& figure) {
  ArmRuns runs;
  for (const SweepRun* run : runs_of(sweep, arm)) {
    auto figures = read_figures(devices_path(options, *run), figure);
    if (!figures) return figures.error();
    runs.push_back(std::move(*figures));
  }
  return runs;
}

// ---- units

std::vector<double> values_of(const std::vector<UnitRow>& units, double UnitRow::*when) {
  std::vector<double> values;
  for (const UnitRow& unit : units) {
    if (!std::isnan(unit.*when)) values.push_back(unit.*when);
  }
  return values;
}

double worst_tenth(std::vector<double> values, bool higher_is_better) {
  std::sort(values.begin(), values.end());
  if (!higher_is_better) std::reverse(values.begin(), values.end());
  values.resize(std::min(values.size(), std::max<std::size_t>(1, values.size() / 10)));
  return rounds::spread_of(values).mean;
}

// ---- rows

ArmRow row_of(const CompareOptions& options, const SweepResult& sweep, std::size_t arm, const Units& units,
              bool higher_is_better) {
  ArmRow row;
  row.name = options.sweep.arms[arm].name;
  row.seeds = options.sweep.seeds.size();
  row.units = rows_of(units);
  row.before = rounds::spread_of(values_of(row.units, &UnitRow::before));
  row.after = rounds::spread_of(values_of(row.units, &UnitRow::after));
  row.gain = rounds::spread_of(values_of(row.units, &UnitRow::gain));
  row.worst_tenth = worst_tenth(values_of(row.units, &UnitRow::after), higher_is_better);
  for (const SweepRun* run : runs_of(sweep, arm)) {
    row.updates.taken += run->updates.taken;
    row.updates.diverged += run->updates.diverged;
    row.updates.refused += run->updates.refused;
    row.tasks += run->evaluation_tasks;
    row.diverged_tasks += run->evaluation_diverged_tasks;
  }
  const Experiment& experiment = options.sweep.arms[arm].experiment;
  const DeviceMemory memory = device_memory(experiment);
  if (traits_of(experiment.meta.strategy).runs_in_fleets()) {
    row.arena_bytes = memory.arena();
    row.update_bytes = memory.update;
  } else if (experiment.evaluation.passes > 0) {
    row.arena_bytes = memory.evaluate.total;
  }
  return row;
}

Result<std::size_t> baseline_of(const CompareOptions& options) {
  if (options.baseline.empty()) return std::size_t{0};
  std::string names;
  for (std::size_t a = 0; a < options.sweep.arms.size(); ++a) {
    if (options.sweep.arms[a].name == options.baseline) return a;
    names += (names.empty() ? "" : ", ") + options.sweep.arms[a].name;
  }
  return refused("--baseline: there is no arm '" + options.baseline + "', use one of: " + names);
}

/// Does an arm evaluate, and does the figure fit what it learns? Said before anything runs.
Result<void> check_arms(const std::vector<Arm>& arms, const DeviceFigure& figure) {
  for (const Arm& arm : arms) {
    const Experiment& experiment = arm.experiment;
    const bool counts_clients = experiment.fleet.devices_are_clients && !experiment.evaluation.says_tasks;
    if (!counts_clients && rounds::evaluation_tasks(experiment, experiment.meta.rounds) == 0) {
      return refused("arm '" + arm.name +
                     "': [evaluation] tasks, final_tasks: use 1 or more, nobody would be compared");
    }
    if (!figure.is_of(experiment)) {
      return refused("--figure: arm '" + arm.name + "' has no " + figure.name + ", only: " + figure_names(&experiment));
    }
  }
  return {};
}

/// Whose figures they are: of the data set's clients, of parts that a partition dealt out, or of tasks.
rounds::Unit unit_of(const RunFigures& run, const Experiment& experiment) {
  if (!run.has_names) return rounds::Unit::kTask;
  return experiment.fleet.partition.kind == PartitionKind::kNatural ? rounds::Unit::kClient : rounds::Unit::kPart;
}

Result<void> write_files(const std::string& folder, const CompareResult& result) {
  Result<void> written = write_file(folder + "/compare.csv", compare_csv(result));
  if (written) written = write_file(folder + "/units.csv", units_csv(result));
  if (written) written = write_file(folder + "/compare.md", compare_table(result));
  if (written) written = write_file(folder + "/compare.svg", compare_svg(result));
  return written;
}

}  // namespace

Result<std::vector<Arm>> read_arms_of(const std::vector<std::string>& files, const std::vector<Override>& overrides) {
  std::vector<Arm> arms;
  std::vector<std::string> from;
  for (const std::string& file : files) {
    if (std::count(files.begin(), files.end(), file) > 1) return refused(file + ": is given twice");
    auto read = read_arms(file, overrides);
    if (!read) return read.error();
    for (Arm& arm : *read) {
      arms.push_back(std::move(arm));
      from.push_back(file);
    }
  }
  if (arms.size() < 2) {
    return refused("one experiment alone: give several files, or one with several [[arm]] tables (docs/experiment.md)");
  }
  std::multiset<std::string> names;
  for (const Arm& arm : arms) names.insert(arm.name);
  for (std::size_t a = 0; a < arms.size(); ++a) {
    if (names.count(arms[a].name) > 1) arms[a].name += " (" + from[a] + ")";
  }
  std::set<std::string> seen;
  for (const Arm& arm : arms) {
    if (!seen.insert(arm.name).second) return refused("[[arm]] name: '" + arm.name + "' is there twice");
  }
  return arms;
}

Result<CompareResult> compare_arms(const CompareOptions& options) {
  const auto baseline = baseline_of(options);
  if (!baseline) return baseline.error();
  const std::vector<Arm>& arms = options.sweep.arms;
  const std::string name = options.figure.empty() ? figure_for(arms[*baseline].experiment) : options.figure;
  const DeviceFigure* const figure = find_figure(name);
  if (figure == nullptr) return refused("--figure: there is no '" + name + "', use one of: " + figure_names(nullptr));
  const auto checked = check_arms(arms, *figure);
  if (!checked) return checked.error();
  auto swept = run_sweep(options.sweep);
  if (!swept) return swept.error();
  CompareResult result;
  result.baseline = *baseline;
  result.sweep = std::move(*swept);
  result.is_complete = result.sweep.finished == result.sweep.runs.size();
  if (!result.is_complete) return result;
  result.figure = name;
  result.higher_is_better = figure->higher_is_better;
  std::vector<Units> units;
  for (std::size_t arm = 0; arm < arms.size(); ++arm) {
    const auto runs = read_arm(options, result.sweep, arm, *figure);
    if (!runs) return runs.error();
    const rounds::Unit unit = unit_of(runs->front(), arms[arm].experiment);
    units.push_back(gather_units(*runs, options.sweep.seeds, unit));
    if (arm == result.baseline) result.unit = unit;
    result.arms.push_back(row_of(options, result.sweep, arm, units.back(), result.higher_is_better));
  }
  for (std::size_t arm = 0; arm < arms.size(); ++arm) {
    if (arm == result.baseline) continue;
    result.arms[arm].difference = difference_of(units[result.baseline], units[arm], result.higher_is_better);
  }
  add_notes(options, result);
  result.written = write_files(options.sweep.out_dir, result);
  return result;
}

}  // namespace skink::simulations
