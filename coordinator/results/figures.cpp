#include "skink/coordinator/results/figures.hpp"

#include <fmt/format.h>

#include <cmath>

#include "skink/host/files/csv_field.hpp"
#include "skink/rounds/evaluation_figures.hpp"

namespace skink::coordinator {
namespace {

std::string column(double value) { return std::isfinite(value) ? fmt::format(",{:.9g}", value) : ","; }

/// A line of devices.csv is of one unit, and macro-F1 of all answers.
bool is_column(const Measure& measure) { return measure.figure != &rounds::EvaluationFigures::macro_f1; }

std::string heading() {
  std::string text = "task,device,client,support_samples,query_samples,diverged";
  for (const char* when : {"before", "after"}) {
    for (const Measure& measure : measures()) {
      if (is_column(measure)) text += fmt::format(",{}_{}", measure.name, when);
    }
  }
  return text + ",persistence\n";
}

/// @param[in] figures  of one unit
std::string figure_columns(const rounds::EvaluationFigures& figures) {
  std::string text;
  for (rounds::Spread rounds::BeforeAfter::*when : {&rounds::BeforeAfter::before, &rounds::BeforeAfter::after}) {
    for (const Measure& measure : measures()) {
      if (is_column(measure)) text += column((figures.*measure.figure.*when).mean);
    }
  }
  return text + column(figures.persistence.mean) + "\n";
}

}  // namespace

const char* unit_name(rounds::Unit unit) {
  switch (unit) {
    case rounds::Unit::kTask: break;
    case rounds::Unit::kClient: return "client";
    case rounds::Unit::kPart: return "part";
    case rounds::Unit::kDevice: return "device";
  }
  return "task";
}

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

std::string devices_csv(const rounds::TaskResults& results, const Experiment& experiment, const Clients& clients) {
  std::string text = heading();
  for (const rounds::TaskResult& task : results.tasks) {
    const std::string device =
        clients.held_out.empty() ? "" : std::to_string(clients.held_out[task.number % clients.held_out.size()]);
    const std::string client = clients.names.empty() ? "" : csv_field(clients.names[task.client]);
    text += fmt::format("{},{},{},{},{},{}", task.number, device, client, task.support_samples, task.query_samples,
                        task.diverged ? 1 : 0);
    rounds::TaskResults alone;
    alone.tasks = {task};
    text += figure_columns(rounds::figures_of(alone, experiment, rounds::Unit::kTask));
  }
  return text;
}

std::string devices_csv(const std::vector<rounds::DeviceReport>& reports, const Experiment& experiment,
                        std::span<const std::string> roster) {
  std::string text = heading();
  for (const rounds::DeviceReport& report : reports) {
    text += fmt::format(",{},{},,{},{}", report.device_index, csv_field(roster[report.device_index]),
                        report.sums.query_samples, report.sums.diverged_tasks);
    text += figure_columns(rounds::figures_of({report}, experiment));
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
