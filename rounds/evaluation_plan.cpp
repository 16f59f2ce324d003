#include "skink/rounds/evaluation_plan.hpp"

namespace skink::rounds {

bool evaluation_is_due(const Experiment& experiment, std::uint32_t rounds_done,
                       const std::vector<EvaluationRecord>& evaluations) {
  if (experiment.fleet.held_out == 0 || evaluation_tasks(experiment, rounds_done) == 0) return false;
  if (!evaluations.empty() && evaluations.back().rounds == rounds_done) return false;
  if (rounds_done == 0 || rounds_done == experiment.meta.rounds) return true;
  return experiment.evaluation.every > 0 && rounds_done % experiment.evaluation.every == 0;
}

std::uint32_t evaluation_tasks(const Experiment& experiment, std::uint32_t rounds_done) {
  const EvaluationConfig& evaluation = experiment.evaluation;
  const bool is_final = rounds_done == experiment.meta.rounds && evaluation.final_tasks > 0;
  return is_final ? evaluation.final_tasks : evaluation.tasks;
}

InnerLoop evaluation_loop(const Experiment& experiment) {
  const EvaluationConfig& evaluation = experiment.evaluation;
  return {evaluation.inner_learning_rate, evaluation.passes, evaluation.batch_size};
}

TaskShare evaluation_share(std::uint32_t tasks, std::uint64_t place, std::uint64_t devices) {
  if (place >= tasks) return {0, 0, 1};
  const auto step = static_cast<std::uint32_t>(devices);
  return {static_cast<std::uint32_t>(place), static_cast<std::uint32_t>((tasks - place - 1) / devices + 1), step};
}

bool evaluation_tasks_are_anybodys(const Experiment& experiment) {
  const TaskConfig& task = experiment.task;
  return task.fresh == TaskFreshness::kRound &&
         (task.source == TaskSource::kSine || task.group == TaskGrouping::kClass);
}

}  // namespace skink::rounds
