#include "task_scorer.hpp"

#include "skink/common/arithmetic/fixed_point.hpp"

namespace skink::simulations {
namespace {

constexpr double kPartOfRates = 0.1;

}  // namespace

TaskScorer::TaskScorer(const Experiment& experiment, const nn::Network& network)
    : network_(network),
      classifies_(objective_of(experiment) == Objective::kClassify),
      confuses_(classifies_ && experiment.task.labels == TaskLabels::kFixed),
      finds_anomalies_(!experiment.task.normal.empty()) {}

rounds::Confusion TaskScorer::confusion() const {
  return confuses_ ? rounds::Confusion(static_cast<std::uint32_t>(network_.output_size())) : rounds::Confusion();
}

void TaskScorer::begin() {
  score_ = {};
  scored_.clear();
  answers_.clear();
}

/// The first largest output: docs/arithmetic.md, section 6.
std::uint32_t TaskScorer::answered_class(const Answer& answer) const {
  std::uint32_t best = 0;
  for (std::uint32_t o = 1; o < network_.output_size(); ++o) {
    if (answer.outputs[o * answer.stride] > answer.outputs[best * answer.stride]) best = o;
  }
  return best;
}

void TaskScorer::add(const Answer& answer) {
  const auto loss = static_cast<std::uint64_t>(arithmetic::loss_to_fixed_point(answer.loss));
  score_.loss = arithmetic::add_saturating(score_.loss, loss);
  if (classifies_) {
    const std::uint32_t answered = answered_class(answer);
    const auto wanted = static_cast<std::uint32_t>(answer.targets[0]);
    score_.correct += answered == wanted ? 1U : 0U;
    if (confuses_) answers_.push_back(wanted * static_cast<std::uint32_t>(network_.output_size()) + answered);
  } else if (network_.loss() == nn::Loss::kMeanSquaredError) {
    float sum = 0;
    for (std::size_t o = 0; o < network_.output_size(); ++o) {
      const float error = answer.outputs[o * answer.stride] - answer.targets[o * answer.stride];
      sum += error > 0 ? error : 0 - error;
    }
    score_.squared_error += static_cast<double>(answer.loss);
    score_.absolute_error += static_cast<double>(sum * (1.0F / static_cast<float>(network_.output_size())));
  }
  if (finds_anomalies_) scored_.push_back({answer.loss, answer.is_anomaly});
}

rounds::TaskScore TaskScorer::score() {
  if (finds_anomalies_) {
    score_.auc = rounds::area_under_roc(scored_, 1.0);
    score_.partial_auc = rounds::area_under_roc(scored_, kPartOfRates);
  }
  return score_;
}

void TaskScorer::count(rounds::Confusion& confusion) const {
  for (const std::uint32_t place : answers_) ++confusion.counts[place];
}

}  // namespace skink::simulations
