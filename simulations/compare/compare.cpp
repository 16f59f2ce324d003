#include "skink/simulations/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "device_figures.hpp"
#include "paired_test.hpp"
#include "skink/coordinator/results/figures.hpp"
#include "skink/host/experiment/device_memory.hpp"
#include "skink/host/experiment/experiment_text.hpp"
#include "skink/host/experiment/strategies.hpp"
#include "skink/host/files/files.hpp"

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

bool is_higher_better(const std::string& figure) {
  return figure == "accuracy" || figure == "auc" || figure == "partial_auc" || figure == "skill";
}

std::string devices_path(const CompareOptions& options, const SweepRun& run) {
  return options.sweep.out_dir + "/" + run.folder + "/devices.csv";
}

std::vector<const SweepRun*> runs_of(const SweepResult& sweep, std::size_t arm) {
  std::vector<const SweepRun*> runs;
  for (const SweepRun& run : sweep.runs) {
    if (run.point == arm) runs.push_back(&run);
  }
  return runs;
}

Result<ArmRuns> read_arm(const CompareOptions& options, const SweepResult& sweep, std::size_t arm,
                         const std::string& figure) {
  ArmRuns runs;
  for (const SweepRun* run : runs_of(sweep, arm)) {
    auto figures = read_figures(devices_path(options, *run), figure);
    if (!figures) return figures.error();
    runs.push_back(std::move(*figures));
  }
  return runs;
}

// ---- units

/// Clients are the same in every seed; tasks are not.
std::string unit_name(const RunFigures& run, const std::string& name, std::uint64_t seed) {
  return run.units_are_clients ? name : fmt::format("seed {} {}", seed, name);
}

/// Means over the seeds that have a value.
std::vector<UnitRow> units_of(const ArmRuns& runs, const std::vector<std::uint64_t>& seeds) {
  std::map<std::string, std::pair<std::vector<double>, std::vector<double>>> values;
  for (std::size_t s = 0; s < runs.size(); ++s) {
    for (const auto& [name, figure] : runs[s].units) {
      auto& [before, after] = values[unit_name(runs[s], name, seeds[s])];
      before.push_back(figure.before);
      after.push_back(figure.after);
    }
  }
  std::vector<UnitRow> units;
  units.reserve(values.size());
  for (const auto& [name, both] : values) {
    units.push_back({name, coordinator::spread_of(both.first).mean, coordinator::spread_of(both.second).mean});
  }
  return units;
}

std::vector<double> values_of(const std::vector<UnitRow>& units, double UnitRow::*when) {
  std::vector<double> values;
  for (const UnitRow& unit : units) {
    if (!std::isnan(unit.*when)) values.push_back(unit.*when);
  }
  return values;
}

rounds::Spread gain_of(const std::vector<UnitRow>& units) {
  std::vector<double> gains;
  gains.reserve(units.size());
  for (const UnitRow& unit : units) gains.push_back(unit.after - unit.before);  // NaN where one is absent
  return coordinator::spread_of(gains);
}

double worst_tenth(std::vector<double> values, bool higher_is_better) {
  std::sort(values.begin(), values.end());
  if (!higher_is_better) std::reverse(values.begin(), values.end());
  values.resize(std::min(values.size(), std::max<std::size_t>(1, values.size() / 10)));
  return coordinator::spread_of(values).mean;
}

// ---- differences

std::vector<std::pair<double, double>> pairs_of(const std::vector<UnitRow>& base, const std::vector<UnitRow>& arm) {
  std::map<std::string, double> there;
  for (const UnitRow& unit : base) there[unit.name] = unit.after;
  std::vector<std::pair<double, double>> pairs;
  for (const UnitRow& unit : arm) {
    const auto found = there.find(unit.name);
    if (found != there.end()) pairs.emplace_back(found->second, unit.after);
  }
  return pairs;
}

double mean_difference(const RunFigures& base, const RunFigures& arm) {
  std::vector<double> differences;
  for (const auto& [name, figure] : arm.units) {
    const auto found = base.units.find(name);
    if (found != base.units.end()) differences.push_back(figure.after - found->second.after);
  }
  return coordinator::spread_of(differences).mean;
}

std::optional<Difference> difference_of(const ArmRow& base, const ArmRow& arm, const ArmRuns& base_runs,
                                        const ArmRuns& runs, bool higher_is_better) {
  const PairedTest test = paired_test(pairs_of(base.units, arm.units));
  if (test.pairs == 0) return std::nullopt;
  Difference difference;
  difference.pairs = test.pairs;
  difference.over_units = test.difference;
  difference.better = higher_is_better ? test.higher : test.lower;
  difference.worse = higher_is_better ? test.lower : test.higher;
  difference.wilcoxon = test.wilcoxon;
  difference.sign = test.sign;
  std::vector<double> seeds;
  for (std::size_t s = 0; s < runs.size(); ++s) seeds.push_back(mean_difference(base_runs[s], runs[s]));
  difference.over_seeds = coordinator::spread_of(seeds);
  return difference;
}

// ---- notes

/// What decides which tasks an arm is judged by: all that is not how it learns and adapts.
Experiment judged_by(const Experiment& arm, const Experiment& base) {
  Experiment tasks = arm;
  tasks.name = base.name;
  tasks.model = base.model;
  tasks.meta = base.meta;
  tasks.uplink = base.uplink;
  tasks.downlink = base.downlink;
  tasks.task.support_size = base.task.support_size;
  tasks.task.query_size = base.task.query_size;
  tasks.task.fresh = base.task.fresh;
  tasks.evaluation.every = base.evaluation.every;
  tasks.evaluation.tasks = base.evaluation.tasks;
  tasks.evaluation.says_tasks = base.evaluation.says_tasks;
  tasks.evaluation.passes = base.evaluation.passes;
  tasks.evaluation.batch_size = base.evaluation.batch_size;
  tasks.evaluation.inner_learning_rate = base.evaluation.inner_learning_rate;
  tasks.fleet.deadline_ms = base.fleet.deadline_ms;
  tasks.fleet.offline_ms = base.fleet.offline_ms;
  return tasks;
}

/// Which arms came to the same; `other` is the earlier one.
enum class Sameness { kNone, kModels, kAll };
Sameness sameness(const CompareOptions& options, const SweepResult& sweep, std::size_t arm, std::size_t other) {
  const auto runs = runs_of(sweep, arm);
  const auto others = runs_of(sweep, other);
  bool same_figures = true;
  for (std::size_t s = 0; s < runs.size(); ++s) {
    if (runs[s]->model_sha256 != others[s]->model_sha256) return Sameness::kNone;
    const auto text = read_file(devices_path(options, *runs[s]));
    const auto other_text = read_file(devices_path(options, *others[s]));
    same_figures = same_figures && text && other_text && *text == *other_text;
  }
  return same_figures ? Sameness::kAll : Sameness::kModels;
}

void note_sameness(const CompareOptions& options, std::size_t arm, CompareResult& result) {
  for (std::size_t other = 0; other < arm; ++other) {
    const Sameness found = sameness(options, result.sweep, arm, other);
    if (found == Sameness::kNone) continue;
    const std::string& name = result.arms[arm].name;
    const std::string& earlier = result.arms[other].name;
    result.notes.push_back(
        found == Sameness::kAll
            ? fmt::format("{} and {} are equal to the bit: the same models and the same figures in every seed.",
                          earlier, name)
            : fmt::format("{} and {} learned the same models to the bit; only how they are adapted differs.", earlier,
                          name));
    return;
  }
}

void note_tasks(const CompareOptions& options, std::size_t arm, CompareResult& result) {
  const Experiment& base = options.sweep.arms[result.baseline].experiment;
  const Experiment tasks = judged_by(options.sweep.arms[arm].experiment, base);
  const std::string difference = first_difference(to_toml(base), to_toml(tasks));
  if (difference.empty()) return;
  result.notes.push_back(fmt::format(
      "{} is judged by other tasks than {}: {}.{}", result.arms[arm].name, result.arms[result.baseline].name,
      difference, result.units_are_clients ? " The clients are paired, their samples are others." : ""));
}

void note_missing(std::size_t arm, CompareResult& result) {
  const ArmRow& row = result.arms[arm];
  const ArmRow& base = result.arms[result.baseline];
  const char* const units = result.units_are_clients ? "clients" : "tasks";
  if (!row.difference && arm != result.baseline) {
    result.notes.push_back(
        fmt::format("{}: no difference, as it has none of the {} of {} with a figure.", row.name, units, base.name));
  }
  const std::size_t most = std::max(row.units.size(), base.units.size());
  if (row.difference && row.difference->pairs < most) {
    result.notes.push_back(fmt::format("{}: paired over {} of {} {}; the others have a figure in one arm only.",
                                       row.name, row.difference->pairs, most, units));
  }
  if (row.diverged_tasks > 0) {
    result.notes.push_back(fmt::format("{}: {} of {} evaluation tasks diverged and are not in its figures after.",
                                       row.name, row.diverged_tasks, row.tasks));
  }
  const std::uint64_t lost = row.updates.diverged + row.updates.refused;
  if (lost > 0) {
    result.notes.push_back(
        fmt::format("{}: {} of {} updates diverged or were refused.", row.name, lost, row.updates.taken + lost));
  }
}

// ---- rows

ArmRow row_of(const CompareOptions& options, const SweepResult& sweep, std::size_t arm, const ArmRuns& runs,
              bool higher_is_better) {
  ArmRow row;
  row.name = options.sweep.arms[arm].name;
  row.seeds = runs.size();
  row.units = units_of(runs, options.sweep.seeds);
  row.before = coordinator::spread_of(values_of(row.units, &UnitRow::before));
  row.after = coordinator::spread_of(values_of(row.units, &UnitRow::after));
  row.gain = gain_of(row.units);
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
  if (traits_of(experiment.meta.strategy).runs == Runs::kInFleets) {
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

Result<void> check_arms(const std::vector<Arm>& arms) {
  for (const Arm& arm : arms) {
    const EvaluationConfig& evaluation = arm.experiment.evaluation;
    if (evaluation.says_final_tasks && evaluation.final_tasks == 0) {
      return refused("arm '" + arm.name + "': [evaluation] final_tasks: use 1 or more, nobody would be compared");
    }
  }
  return {};
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
  const auto checked = check_arms(options.sweep.arms);
  if (!checked) return checked.error();
  auto swept = run_sweep(options.sweep);
  if (!swept) return swept.error();
  CompareResult result;
  result.baseline = *baseline;
  result.sweep = std::move(*swept);
  result.is_complete = result.sweep.finished == result.sweep.runs.size();
  if (!result.is_complete) return result;
  result.figure = options.figure.empty() ? figure_for(options.sweep.arms[result.baseline].experiment) : options.figure;
  result.higher_is_better = is_higher_better(result.figure);
  std::vector<ArmRuns> runs;
  for (std::size_t arm = 0; arm < options.sweep.arms.size(); ++arm) {
    auto read = read_arm(options, result.sweep, arm, result.figure);
    if (!read) return read.error();
    runs.push_back(std::move(*read));
    result.arms.push_back(row_of(options, result.sweep, arm, runs.back(), result.higher_is_better));
  }
  result.units_are_clients = runs[result.baseline].front().units_are_clients;
  for (std::size_t arm = 0; arm < result.arms.size(); ++arm) {
    if (arm != result.baseline) {
      result.arms[arm].difference = difference_of(result.arms[result.baseline], result.arms[arm], runs[result.baseline],
                                                  runs[arm], result.higher_is_better);
      note_tasks(options, arm, result);
    }
    note_sameness(options, arm, result);
    note_missing(arm, result);
  }
  result.written = write_files(options.sweep.out_dir, result);
  return result;
}

}  // namespace skink::simulations
