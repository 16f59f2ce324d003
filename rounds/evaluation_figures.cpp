#include "skink/rounds/evaluation_figures.hpp"

#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <map>
#include <optional>

#include "skink/common/arithmetic/fixed_point.hpp"
#include "skink/rounds/evaluation_sums.hpp"

namespace skink::rounds {
namespace {

/// Sums over the tasks of one unit.
struct Sums {
  std::uint64_t samples = 0;
  std::uint64_t correct = 0;
  double loss = 0;
  std::optional<double> squared;   ///< error of a regression; nothing: not known
  std::optional<double> absolute;  ///< likewise
  std::vector<double> auc;
  std::vector<double> partial_auc;

  void add(const TaskScore& score, std::uint32_t of_samples) {
    samples += of_samples;
    correct += score.correct;
    loss += arithmetic::loss_from_fixed_point(score.loss, 1);
    squared = squared.value_or(0) + score.squared_error;
    absolute = absolute.value_or(0) + score.absolute_error;
    auc.push_back(score.auc);
    partial_auc.push_back(score.partial_auc);
  }
  double per_sample(double sum) const { return samples == 0 ? kNotMeasured : sum / static_cast<double>(samples); }
  double per_sample(const std::optional<double>& sum) const { return sum ? per_sample(*sum) : kNotMeasured; }
};

/// How much of the mean square error of persistence is saved.
double skill_of(const Sums& unit, const Sums& persistence) {
  const double squared = unit.squared.value_or(kNotMeasured);
  const double unchanged = persistence.squared.value_or(kNotMeasured);
  return unchanged > 0 ? 1 - squared / unchanged : kNotMeasured;
}

/// Squared errors of targets that were scaled, in their own unit.
double root_of(double mean_square, double scale) { return std::sqrt(mean_square) / scale; }

double target_scale(const Experiment& experiment) {
  return std::fabs(static_cast<double>(experiment.task.target_scale));
}

using Units = std::map<std::uint32_t, Sums>;

/// @param[in] persistence  of the same tasks; empty: not measured
void collect(const Units& units, const Units& persistence, const Experiment& experiment, Spread BeforeAfter::*when,
             EvaluationFigures& figures) {
  std::vector<double> loss, accuracy, auc, partial_auc, absolute, squared, skill;
  const Objective objective = objective_of(experiment);
  const double scale = target_scale(experiment);
  for (const auto& [key, unit] : units) {
    loss.push_back(unit.per_sample(unit.loss));
    if (objective == Objective::kClassify) {
      accuracy.push_back(unit.per_sample(static_cast<double>(unit.correct)));
    } else if (objective == Objective::kRegress) {
      absolute.push_back(unit.per_sample(unit.absolute) / scale);
      squared.push_back(root_of(unit.per_sample(unit.squared), scale));
    }
    if (!persistence.empty()) skill.push_back(skill_of(unit, persistence.at(key)));
    auc.push_back(spread_of(unit.auc).mean);
    partial_auc.push_back(spread_of(unit.partial_auc).mean);
  }
  figures.loss.*when = spread_of(loss);
  figures.accuracy.*when = spread_of(accuracy);
  figures.auc.*when = spread_of(auc);
  figures.partial_auc.*when = spread_of(partial_auc);
  figures.mean_absolute_error.*when = spread_of(absolute);
  figures.root_mean_square_error.*when = spread_of(squared);
  figures.skill.*when = spread_of(skill);
}

Spread persistence_of(const Units& units, const Experiment& experiment) {
  std::vector<double> errors;
  const double scale = target_scale(experiment);
  for (const auto& [key, unit] : units) errors.push_back(root_of(unit.per_sample(unit.squared), scale));
  return spread_of(errors);
}

/// A regression's loss is its mean squared error, unless that of a sample was cut.
std::optional<double> squared_of(std::uint64_t loss) {
  if (loss >= arithmetic::largest_loss_sum(1)) return std::nullopt;
  return arithmetic::loss_from_fixed_point(loss, 1);
}

/// What a device's tasks that did not diverge came to; nothing where its sums do not tell.
std::optional<Sums> after_of(const wire::Evaluation& report) {
  const std::optional<std::uint64_t> lost = diverged_samples(report);
  if (!lost || *lost >= report.query_samples) return std::nullopt;
  const std::uint64_t lost_loss = arithmetic::largest_loss_sum(*lost);
  const bool is_saturated = report.loss_after == ~std::uint64_t{0};
  Sums sums;
  sums.samples = report.query_samples - *lost;
  if (is_saturated || report.loss_after < lost_loss || report.correct_after > sums.samples) return std::nullopt;
  sums.correct = report.correct_after;
  sums.loss = arithmetic::loss_from_fixed_point(report.loss_after - lost_loss, 1);
  sums.squared = squared_of(report.loss_after - lost_loss);
  return sums;
}

}  // namespace

Spread spread_of(const std::vector<double>& values) {
  double sum = 0;
  double count = 0;
  for (const double value : values) {
    if (std::isnan(value)) continue;
    sum += value;
    count += 1;
  }
  Spread spread;
  if (count == 0) return spread;
  spread.mean = sum / count;
  if (count < 2) return spread;
  double squares = 0;
  for (const double value : values) {
    if (!std::isnan(value)) squares += (value - spread.mean) * (value - spread.mean);
  }
  const boost::math::students_t distribution(count - 1);
  const double quantile = boost::math::quantile(distribution, 0.975);
  spread.half_width = quantile * std::sqrt(squares / (count - 1)) / std::sqrt(count);
  return spread;
}

EvaluationFigures figures_of(const TaskResults& results, const Experiment& experiment, Unit unit) {
  EvaluationFigures figures;
  figures.unit = unit;
  figures.diverged_samples = 0;
  const bool has_persistence = !experiment.task.persistence.empty();
  Units before;
  Units after;
  Units persistence;
  Units persistence_after;  // of tasks that did not diverge
  for (const TaskResult& task : results.tasks) {
    const std::uint32_t key = unit == Unit::kClient ? task.client : task.number;
    before[key].add(task.before, task.query_samples);
    if (has_persistence) persistence[key].add(task.persistence, task.query_samples);
    if (task.diverged) {
      *figures.diverged_samples += task.query_samples;
      continue;
    }
    after[key].add(task.after, task.query_samples);
    if (has_persistence) persistence_after[key].add(task.persistence, task.query_samples);
  }
  figures.units = static_cast<std::uint32_t>(before.size());
  collect(before, persistence, experiment, &BeforeAfter::before, figures);
  collect(after, persistence_after, experiment, &BeforeAfter::after, figures);
  figures.persistence = persistence_of(persistence, experiment);
  figures.macro_f1.before.mean = macro_f1(results.before);
  figures.macro_f1.after.mean = macro_f1(results.after);
  return figures;
}

EvaluationFigures figures_of(const std::vector<DeviceReport>& reports, const Experiment& experiment) {
  EvaluationFigures figures;
  figures.unit = Unit::kDevice;
  figures.diverged_samples = 0;
  Units before;
  Units after;
  for (const DeviceReport& report : reports) {
    Sums& sums = before[report.device_index];
    sums.samples = report.sums.query_samples;
    sums.correct = report.sums.correct_before;
    sums.loss = arithmetic::loss_from_fixed_point(report.sums.loss_before, 1);
    sums.squared = squared_of(report.sums.loss_before);
    if (const auto adapted = after_of(report.sums)) after.emplace(report.device_index, *adapted);
    const auto lost = diverged_samples(report.sums);
    if (!lost) {
      figures.diverged_samples.reset();
    } else if (figures.diverged_samples) {
      *figures.diverged_samples += *lost;
    }
  }
  figures.units = static_cast<std::uint32_t>(before.size());
  collect(before, {}, experiment, &BeforeAfter::before, figures);
  collect(after, {}, experiment, &BeforeAfter::after, figures);
  return figures;
}

}  // namespace skink::rounds
