#include "skink/simulations/record.hpp"

#include <algorithm>

#include "skink/edge/recording.hpp"
#include "skink/rounds/cohort.hpp"
#include "skink/rounds/evaluation_plan.hpp"

namespace skink::simulations {
namespace {

/// Numbers of finished rounds at which an evaluation is made.
std::vector<std::uint32_t> evaluation_rounds(const Experiment& experiment) {
  const std::uint32_t last = experiment.meta.rounds;
  const std::uint32_t step = experiment.evaluation.every == 0 ? last : experiment.evaluation.every;
  std::vector<std::uint32_t> rounds;
  for (std::uint64_t round = 0; round < last; round += step) rounds.push_back(static_cast<std::uint32_t>(round));
  rounds.push_back(last);
  return rounds;
}

}  // namespace

std::vector<TaskKey> tasks_of_device(const Experiment& experiment, std::uint32_t device_index) {
  const auto membership = rounds::split_roster(experiment.seed, experiment.fleet.devices, experiment.fleet.held_out);
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
  for (const std::uint32_t round : evaluation_rounds(experiment)) {
    const std::uint32_t tasks = rounds::evaluation_tasks(experiment, round);
    const rounds::TaskShare share = rounds::evaluation_share(tasks, place, membership.held_out.size());
    for (std::uint32_t task = share.first; task < share.first + share.count; ++task) {
      keys.push_back({experiment.seed, round, task, TaskUse::kEvaluate});
    }
  }
  return keys;
}

}  // namespace skink::simulations
