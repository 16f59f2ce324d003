#include "skink/rounds/evaluation_sums.hpp"

#include "skink/common/arithmetic/fixed_point.hpp"

namespace skink::rounds {
namespace {

constexpr std::uint64_t wire::Evaluation::*kSums[] = {
    &wire::Evaluation::tasks,         &wire::Evaluation::query_samples, &wire::Evaluation::correct_before,
    &wire::Evaluation::correct_after, &wire::Evaluation::loss_before,   &wire::Evaluation::loss_after,
    &wire::Evaluation::diverged_tasks};

}  // namespace

void add(const wire::Evaluation& part, wire::Evaluation& total) {
  for (const auto sum : kSums) total.*sum = arithmetic::add_saturating(total.*sum, part.*sum);
}

std::optional<std::uint64_t> diverged_samples(const wire::Evaluation& sums) {
  if (sums.diverged_tasks == 0) return 0;
  if (sums.diverged_tasks >= sums.tasks) return sums.query_samples;
  if (sums.query_samples % sums.tasks != 0) return std::nullopt;
  return sums.diverged_tasks * (sums.query_samples / sums.tasks);
}

bool is_plausible(const wire::Evaluation& report, const EvaluationRequest& request) {
  const std::uint64_t most_samples = request.query_samples_per_task * request.tasks;
  const std::uint64_t most_loss = arithmetic::largest_loss_sum(report.query_samples);
  return report.tasks == request.tasks && report.query_samples <= most_samples &&
         report.correct_before <= report.query_samples && report.correct_after <= report.query_samples &&
         report.diverged_tasks <= report.tasks && report.loss_before <= most_loss && report.loss_after <= most_loss;
}

wire::Evaluation sum_of(const std::vector<TaskResult>& tasks) {
  wire::Evaluation total{};
  for (const TaskResult& task : tasks) {
    wire::Evaluation one{};
    one.tasks = 1;
    one.query_samples = task.query_samples;
    one.loss_before = task.before.loss;
    one.correct_before = task.before.correct;
    one.loss_after = task.diverged ? arithmetic::largest_loss_sum(task.query_samples) : task.after.loss;
    one.correct_after = task.diverged ? 0 : task.after.correct;
    one.diverged_tasks = task.diverged ? 1U : 0U;
    add(one, total);
  }
  return total;
}

}  // namespace skink::rounds
