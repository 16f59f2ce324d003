#include "skink/coordinator/results/figures.hpp"

#include <fmt/format.h>

#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <map>

#include "skink/common/arithmetic/fixed_point.hpp"
#include "skink/host/files/csv_field.hpp"

namespace skink::coordinator {
namespace {

using rounds::BeforeAfter;
using rounds::kNotMeasured;
using rounds::TaskResult;
using rounds::TaskScore;

/// Of one task, or of all tasks of a client.
struct Unit {
  std::uint64_t samples = 0;
  std::uint64_t correct = 0;
  double loss = 0;      // sums
  double absolute = 0;  // likewise
  std::vector<double> auc;
  std::vector<double> partial_auc;

  void add(const TaskScore& score, std::uint32_t of_samples) {
    samples += of_samples;
    correct += score.correct;
    loss += arithmetic::loss_from_fixed_point(score.loss, 1);
    absolute += arithmetic::loss_from_fixed_point(score.absolute_error, 1);
    auc.push_back(score.auc);
    partial_auc.push_back(score.partial_auc);
  }
  double per_sample(double sum) const { return samples == 0 ? kNotMeasured : sum / static_cast<double>(samples); }
};

/// How much of the mean square error of persistence is saved.
double skill_of(const Unit& unit, const Unit& persistence) {
  return persistence.loss > 0 ? 1 - unit.loss / persistence.loss : kNotMeasured;
}

/// Squared errors of targets that were scaled, in their own unit.
double root_of(double mean_square, double scale) { return std::sqrt(mean_square) / scale; }

using Units = std::map<std::uint32_t, Unit>;

/// @param[in] persistence  of the same tasks; empty: not measured
void collect(const Units& units, const Units& persistence, const Experiment& experiment,
             rounds::Spread BeforeAfter::*when, rounds::EvaluationFigures& figures) {
  std::vector<double> loss, accuracy, auc, partial_auc, absolute, squared, skill;
  const Objective objective = objective_of(experiment);
  const double scale = std::fabs(static_cast<double>(experiment.task.target_scale));
  for (const auto& [key, unit] : units) {
    loss.push_back(unit.per_sample(unit.loss));
    if (objective == Objective::kClassify) {
      accuracy.push_back(unit.per_sample(static_cast<double>(unit.correct)));
    } else if (objective == Objective::kRegress) {
      absolute.push_back(unit.per_sample(unit.absolute) / scale);
      squared.push_back(root_of(unit.per_sample(unit.loss), scale));
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

rounds::Spread persistence_of(const Units& units, const Experiment& experiment) {
  std::vector<double> errors;
  const double scale = std::fabs(static_cast<double>(experiment.task.target_scale));
  for (const auto& [key, unit] : units) errors.push_back(root_of(unit.per_sample(unit.loss), scale));
  return spread_of(errors);
}

std::string column(double value) { return std::isfinite(value) ? fmt::format(",{:.9g}", value) : ","; }

std::string score_columns(const TaskScore& score, const TaskResult& task, const Experiment& experiment) {
  const std::uint32_t samples = task.query_samples;
  Unit unit;
  unit.add(score, samples);
  Unit persistence;
  if (!experiment.task.persistence.empty()) persistence.add(task.persistence, samples);
  const Objective objective = objective_of(experiment);
  const double scale = std::fabs(static_cast<double>(experiment.task.target_scale));
  const bool classifies = objective == Objective::kClassify;
  const bool regresses = objective == Objective::kRegress;
  return column(unit.per_sample(unit.loss)) +
         column(classifies ? unit.per_sample(static_cast<double>(unit.correct)) : kNotMeasured) + column(score.auc) +
         column(score.partial_auc) + column(regresses ? unit.per_sample(unit.absolute) / scale : kNotMeasured) +
         column(regresses ? root_of(unit.per_sample(unit.loss), scale) : kNotMeasured) +
         column(skill_of(unit, persistence));
}

}  // namespace

std::span<const Measure> measures() {
  using Figures = rounds::EvaluationFigures;
  static constexpr Measure kMeasures[] = {
      {"loss", "loss", &Figures::loss, false},
      {"accuracy", "accuracy", &Figures::accuracy, false},
      {"macro_f1", "macro-F1", &Figures::macro_f1, true},
      {"auc", "AUC", &Figures::auc, true},
      {"partial_auc", "partial AUC", &Figures::partial_auc, true},
      {"mean_absolute_error", "mean absolute error", &Figures::mean_absolute_error, true},
      {"root_mean_square_error", "RMS error", &Figures::root_mean_square_error, true},
      {"skill", "skill over persistence", &Figures::skill, true}};
  return kMeasures;
}

rounds::Spread spread_of(const std::vector<double>& values) {
  double sum = 0;
  double count = 0;
  for (const double value : values) {
    if (std::isnan(value)) continue;
    sum += value;
    count += 1;
  }
  rounds::Spread spread;
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

rounds::EvaluationFigures figures_of(const rounds::TaskResults& results, const Experiment& experiment,
                                     bool are_clients) {
  rounds::EvaluationFigures figures;
  const bool has_persistence = !experiment.task.persistence.empty();
  Units before;
  Units after;
  Units persistence;
  Units persistence_after;  // of tasks that did not diverge
  for (const TaskResult& task : results.tasks) {
    const std::uint32_t key = are_clients ? task.client : task.number;
    before[key].add(task.before, task.query_samples);
    if (has_persistence) persistence[key].add(task.persistence, task.query_samples);
    if (task.diverged) {
      figures.diverged_samples += task.query_samples;
      continue;
    }
    after[key].add(task.after, task.query_samples);
    if (has_persistence) persistence_after[key].add(task.persistence, task.query_samples);
  }
  figures.units_are_clients = are_clients;
  figures.units = static_cast<std::uint32_t>(before.size());
  collect(before, persistence, experiment, &BeforeAfter::before, figures);
  collect(after, persistence_after, experiment, &BeforeAfter::after, figures);
  figures.persistence = persistence_of(persistence, experiment);
  figures.macro_f1.before.mean = rounds::macro_f1(results.before);
  figures.macro_f1.after.mean = rounds::macro_f1(results.after);
  return figures;
}

std::string devices_csv(const rounds::TaskResults& results, const Experiment& experiment, const Clients& clients) {
  std::string text = "task,device,client,support_samples,query_samples,diverged";
  for (const char* when : {"before", "after"}) {
    for (const char* name :
         {"loss", "accuracy", "auc", "partial_auc", "mean_absolute_error", "root_mean_square_error", "skill"}) {
      text += fmt::format(",{}_{}", name, when);
    }
  }
  text += ",persistence\n";
  const bool has_persistence = !experiment.task.persistence.empty();
  for (const TaskResult& task : results.tasks) {
    const std::string device =
        clients.held_out.empty() ? "" : std::to_string(clients.held_out[task.number % clients.held_out.size()]);
    const std::string client = clients.names.empty() ? "" : csv_field(clients.names[task.client]);
    text += fmt::format("{},{},{},{},{},{}", task.number, device, client, task.support_samples, task.query_samples,
                        task.diverged ? 1 : 0);
    text += score_columns(task.before, task, experiment);
    text += task.diverged ? ",,,,,,," : score_columns(task.after, task, experiment);
    const double scale = std::fabs(static_cast<double>(experiment.task.target_scale));
    Unit persistence;
    if (has_persistence) persistence.add(task.persistence, task.query_samples);
    text += column(has_persistence ? root_of(persistence.per_sample(persistence.loss), scale) : kNotMeasured) + "\n";
  }
  return text;
}

std::string confusion_csv(const rounds::TaskResults& results, const std::vector<std::string>& names) {
  const std::uint32_t classes = results.after.classes;
  if (classes == 0) return "";
  const auto name = [&](std::uint32_t c) { return csv_field(c < names.size() ? names[c] : std::to_string(c)); };
  std::string text = "when,wanted";
  for (std::uint32_t c = 0; c < classes; ++c) text += "," + name(c);
  text += "\n";
  const auto add = [&](const char* when, const rounds::Confusion& confusion) {
    for (std::uint32_t wanted = 0; wanted < classes; ++wanted) {
      text += fmt::format("{},{}", when, name(wanted));
      for (std::uint32_t answered = 0; answered < classes; ++answered) {
        text += fmt::format(",{}", confusion.counts[std::size_t{wanted} * classes + answered]);
      }
      text += "\n";
    }
  };
  add("before", results.before);
  add("after", results.after);
  return text;
}

}  // namespace skink::coordinator
