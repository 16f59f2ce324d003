#include "notes.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "runs.hpp"
#include "skink/coordinator/results/figures.hpp"
#include "skink/coordinator/results/verdict.hpp"
#include "skink/host/experiment/experiment_text.hpp"
#include "skink/host/files/files.hpp"

namespace skink::simulations {
namespace {

/// What decides which tasks judge an arm: the base with all of that, and nothing else, replaced by the arm's.
Experiment judged_by(const Experiment& arm, const Experiment& base) {
  Experiment tasks = base;
  tasks.model.loss = arm.model.loss;
  tasks.task = arm.task;
  tasks.task.support_size = base.task.support_size;
  tasks.task.query_size = base.task.query_size;
  tasks.task.fresh = base.task.fresh;
  tasks.task.rotations = base.task.rotations;
  tasks.task.persistence = base.task.persistence;
  const EvaluationConfig& evaluation = arm.evaluation;
  tasks.evaluation.split = evaluation.split;
  tasks.evaluation.support_size = evaluation.support_size;
  tasks.evaluation.query_size = evaluation.query_size;
  tasks.evaluation.rotations = evaluation.rotations;
  tasks.evaluation.final_tasks = evaluation.final_tasks;
  tasks.evaluation.says_final_tasks = evaluation.says_final_tasks;
  if (!evaluation.says_final_tasks) {
    tasks.evaluation.tasks = evaluation.tasks;
    tasks.evaluation.says_tasks = evaluation.says_tasks;
  }
  const bool is_dealt = arm.fleet.partition.kind != PartitionKind::kNatural;
  tasks.fleet.partition = arm.fleet.partition;
  if (is_dealt) tasks.fleet.held_out = arm.fleet.held_out;
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

/// The earlier arm that it shares most with.
void note_sameness(const CompareOptions& options, std::size_t arm, CompareResult& result) {
  Sameness most = Sameness::kNone;
  std::size_t with = 0;
  for (std::size_t other = 0; other < arm && most != Sameness::kAll; ++other) {
    const Sameness found = sameness(options, result.sweep, arm, other);
    if (found <= most) continue;
    most = found;
    with = other;
  }
  const std::string& name = result.arms[arm].name;
  const std::string& earlier = result.arms[with].name;
  if (most == Sameness::kAll) {
    result.notes.push_back(fmt::format(
        "{} and {} are equal to the bit: the same models and the same figures in every seed.", earlier, name));
  } else if (most == Sameness::kModels) {
    result.notes.push_back(
        fmt::format("{} and {} learned the same models to the bit; only their evaluations differ.", earlier, name));
  }
}

void note_tasks(const CompareOptions& options, std::size_t arm, CompareResult& result) {
  const Experiment& base = options.sweep.arms[result.baseline].experiment;
  const Experiment tasks = judged_by(options.sweep.arms[arm].experiment, base);
  const std::string difference = first_difference(to_toml(base), to_toml(tasks));
  if (difference.empty()) return;
  result.notes.push_back(fmt::format(
      "{} is judged by other tasks than {}: {}.{}", result.arms[arm].name, result.arms[result.baseline].name,
      difference, result.unit == rounds::Unit::kClient ? " The clients are paired, their samples are others." : ""));
}

void note_missing(std::size_t arm, CompareResult& result) {
  const ArmRow& row = result.arms[arm];
  const ArmRow& base = result.arms[result.baseline];
  const std::string units = std::string(coordinator::unit_name(result.unit)) + "s";
  if (!row.difference && arm != result.baseline) {
    result.notes.push_back(
        fmt::format("{}: no difference, as it has none of the {} of {} with a figure.", row.name, units, base.name));
  }
  const std::size_t most = std::max(row.units.size(), base.units.size());
  if (row.difference && row.difference->pairs < most) {
    result.notes.push_back(fmt::format("{}: paired over {} of {} {}; the others lack it in one or both.", row.name,
                                       row.difference->pairs, most, units));
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

}  // namespace

void add_notes(const CompareOptions& options, CompareResult& result) {
  const std::uint64_t readings = most_shared_readings(result.sweep);
  if (readings > 0) result.notes.push_back("Caution: " + coordinator::shared_readings_text(readings) + ".");
  for (std::size_t arm = 0; arm < result.arms.size(); ++arm) {
    if (arm != result.baseline) note_tasks(options, arm, result);
    note_sameness(options, arm, result);
    note_missing(arm, result);
  }
}

}  // namespace skink::simulations
