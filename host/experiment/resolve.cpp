/// @file
/// What the data set decides of an experiment: devices that are its clients.

#include <memory>
#include <string>
#include <utility>

#include "skink/host/experiment/tasks.hpp"

namespace skink {
namespace {

/// The census of an experiment whose devices are not counted yet.
Result<TaskGenerator> plan_provisionally(Experiment experiment, const Dataset& dataset) {
  experiment.fleet.devices_are_clients = false;
  experiment.fleet.devices = 2;
  experiment.fleet.held_out = 1;
  experiment.evaluation.tasks = 1;
  const std::shared_ptr<const Dataset> borrowed(std::shared_ptr<const Dataset>(), &dataset);
  return TaskGenerator::create(experiment, borrowed);
}

}  // namespace

Result<Experiment> resolve(const Experiment& experiment, const Dataset* dataset) {
  if (!experiment.fleet.devices_are_clients) return experiment;
  if (dataset == nullptr) {
    return make_error(Status::kUnavailable,
                      "[fleet] devices = \"clients\" are those of a data set, which is not read here: write how many "
                      "devices there are, or take the experiment.toml that skink-sim run leaves in its --out",
                      Cause::kConfiguration);
  }
  const auto tasks = plan_provisionally(experiment, *dataset);
  if (!tasks) return tasks.error();
  const std::uint32_t training = tasks->census(TaskUse::kAdapt).clients;
  Experiment resolved = experiment;
  resolved.fleet.devices_are_clients = false;
  resolved.fleet.held_out = tasks->census(TaskUse::kEvaluate).clients;
  resolved.fleet.devices = training + resolved.fleet.held_out;
  if (experiment.meta.cohort > training) {
    return make_error(Status::kInvalidArgument,
                      "[meta] cohort: " + std::to_string(experiment.meta.cohort) + " is more than the " +
                          std::to_string(training) + " clients of data set " + dataset->name() + " that train",
                      Cause::kConfiguration);
  }
  EvaluationConfig& evaluation = resolved.evaluation;
  if (!evaluation.says_tasks) evaluation.tasks = resolved.fleet.held_out;
  if (!evaluation.says_final_tasks) evaluation.final_tasks = evaluation.tasks;
  evaluation.says_tasks = evaluation.says_final_tasks = true;
  return resolved;
}

Result<PreparedTasks> prepare_tasks(const Experiment& experiment, std::shared_ptr<const Dataset> dataset) {
  auto resolved = resolve(experiment, dataset.get());
  if (!resolved) return resolved.error();
  auto tasks = TaskGenerator::create(*resolved, std::move(dataset));
  if (!tasks) return tasks.error();
  return PreparedTasks{std::move(*resolved), std::move(*tasks)};
}

Result<PreparedTasks> prepare_tasks(const Experiment& experiment, const std::string& data_dir) {
  auto dataset = load_dataset(experiment.task, data_dir);
  if (!dataset) return dataset.error();
  return prepare_tasks(experiment, std::move(*dataset));
}

}  // namespace skink
