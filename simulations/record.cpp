#include "skink/simulations/record.hpp"

#include <algorithm>

#include "skink/edge/recording.hpp"
#include "skink/host/experiment/membership.hpp"
#include "skink/rounds/evaluation_plan.hpp"

namespace skink::simulations {
std::vector<TaskKey> tasks_of_device(const Experiment& experiment, std::uint32_t device_index) {
  const auto membership = split_roster(experiment);
  const auto held_out = std::find(membership.held_out.begin(), membership.held_out.end(), device_index);
  std::vector<TaskKey> keys;
  if (held_out == membership.held_out.end()) {
    if (experiment.task.fresh == TaskFreshness::kDevice) {
      keys.push_back({experiment.seed, edge::recording::kAnyRound, device_index, TaskUse::kAdapt});
      return keys;
    }
    for (std::uint32_t round = 0; round < experiment.meta.rounds; ++round) {
      keys.push_back({experiment.seed, round, device_index, TaskUse::kAdapt});
    }
    return keys;
  }
  const auto place = static_cast<std::uint64_t>(held_out - membership.held_out.begin());
  // Those of every evaluation, which are the first ones of the longest.
  const std::uint32_t tasks = std::max(experiment.evaluation.tasks, experiment.evaluation.final_tasks);
  const rounds::TaskShare share = rounds::evaluation_share(tasks, place, membership.held_out.size());
  for (std::uint32_t k = 0; k < share.count; ++k) {
    keys.push_back({experiment.seed, edge::recording::kAnyRound, share.first + k * share.step, TaskUse::kEvaluate});
  }
  return keys;
}

void add_own_samples(const Experiment& experiment, std::vector<TaskKey>& keys) {
  const TaskKey own{experiment.seed, edge::recording::kAnyRound, 0, TaskUse::kEvaluate};
  const bool is_there = std::any_of(
      keys.begin(), keys.end(), [](const TaskKey& key) { return key.use == TaskUse::kEvaluate && key.number == 0; });
  if (!is_there) keys.push_back(own);
}

}  // namespace skink::simulations
