#include <fmt/format.h>

#include <cmath>

#include "skink/host/files/csv_field.hpp"
#include "skink/rounds/evaluation_figures.hpp"
#include "skink/simulations/sweep.hpp"

namespace skink::simulations {
namespace {

std::string grid_heading(const SweepResult& result) {
  std::string text;
  for (const Override& setting : result.points.front()) text += csv_field(setting.key) + ",";
  return text;
}

std::string grid_columns(const std::vector<Override>& point) {
  std::string text;
  for (const Override& setting : point) text += csv_field(setting.value) + ",";
  return text;
}

/// The finished runs of a point.
std::vector<const SweepRun*> runs_of(const SweepResult& result, std::size_t point) {
  std::vector<const SweepRun*> runs;
  for (const SweepRun& run : result.runs) {
    if (run.point == point && run.state == SweepRun::State::kFinished) runs.push_back(&run);
  }
  return runs;
}

/// Of the runs that have a value.
struct Mean {
  std::optional<rounds::Spread> spread;
  std::size_t runs = 0;
};

Mean mean_of(const std::vector<const SweepRun*>& runs, std::optional<double> SweepRun::*value) {
  std::vector<double> values;
  for (const SweepRun* run : runs) {
    if (run->*value) values.push_back(*(run->*value));
  }
  return {values.empty() ? std::nullopt : std::optional<rounds::Spread>(rounds::spread_of(values)), values.size()};
}

/// Of all runs of a point.
struct Totals {
  rounds::UpdateCounts updates;
  std::uint64_t tasks = 0;
  std::uint64_t diverged_tasks = 0;
};

Totals totals_of(const std::vector<const SweepRun*>& runs) {
  Totals totals;
  for (const SweepRun* run : runs) {
    totals.updates.taken += run->updates.taken;
    totals.updates.diverged += run->updates.diverged;
    totals.updates.refused += run->updates.refused;
    totals.tasks += run->evaluation_tasks;
    totals.diverged_tasks += run->evaluation_diverged_tasks;
  }
  return totals;
}

std::string totals_columns(const Totals& totals) {
  return fmt::format(",{},{},{},{}", totals.updates.taken, totals.updates.diverged, totals.updates.refused,
                     totals.diverged_tasks);
}

/// What did not count, for people: "800 of 800 updates, 3 of 64 tasks".
std::string lost_text(const Totals& totals) {
  const std::uint64_t lost = totals.updates.diverged + totals.updates.refused;
  std::string text;
  if (lost > 0) text = fmt::format("{} of {} updates", lost, totals.updates.taken + lost);
  if (totals.diverged_tasks == 0) return text;
  return text + fmt::format("{}{} of {} tasks", text.empty() ? "" : ", ", totals.diverged_tasks, totals.tasks);
}

struct Measure {
  const char* name;
  const char* title;  ///< for people
  std::optional<double> SweepRun::*value;
  bool is_accuracy;
};
constexpr Measure kMeasures[] = {
    {"query_loss_before", "loss before", &SweepRun::loss_before, false},
    {"query_loss_after", "loss after", &SweepRun::loss_after, false},
    {"query_accuracy_before", "accuracy before", &SweepRun::accuracy_before, true},
    {"query_accuracy_after", "accuracy after", &SweepRun::accuracy_after, true},
};

bool is_measured(const SweepRun& run, const Measure& measure) {
  return run.is_evaluated && (run.classifies || !measure.is_accuracy);
}

std::string measure_columns(const std::vector<const SweepRun*>& runs, const Measure& measure) {
  const Mean found = runs.empty() || !is_measured(*runs.front(), measure) ? Mean() : mean_of(runs, measure.value);
  if (!found.spread) return ",,";
  if (std::isnan(found.spread->half_width)) return fmt::format(",{:.9g},", found.spread->mean);
  return fmt::format(",{:.9g},{:.9g}", found.spread->mean, found.spread->half_width);
}

std::string measure_text(const std::vector<const SweepRun*>& runs, const Measure& measure) {
  const Mean mean = runs.empty() || !is_measured(*runs.front(), measure) ? Mean() : mean_of(runs, measure.value);
  if (!mean.spread) return "-";
  rounds::Spread found = *mean.spread;
  const int digits = measure.is_accuracy ? 2 : 4;
  if (measure.is_accuracy) found = {100 * found.mean, 100 * found.half_width};
  const std::string unit = measure.is_accuracy ? " %" : "";
  const std::string of = mean.runs < runs.size() ? fmt::format(" ({} of {})", mean.runs, runs.size()) : "";
  if (std::isnan(found.half_width)) return fmt::format("{:.{}f}{}", found.mean, digits, unit) + of;
  return fmt::format("{:.{}f} +- {:.{}f}{}", found.mean, digits, found.half_width, digits, unit) + of;
}

/// Columns of text, each as wide as its widest field.
std::string aligned(const std::vector<std::vector<std::string>>& lines) {
  std::vector<std::size_t> widths;
  for (const auto& line : lines) {
    widths.resize(std::max(widths.size(), line.size()));
    for (std::size_t c = 0; c < line.size(); ++c) widths[c] = std::max(widths[c], line[c].size());
  }
  std::string text;
  for (const auto& line : lines) {
    std::string out;
    for (std::size_t c = 0; c < line.size(); ++c) out += fmt::format("  {:<{}}", line[c], widths[c]);
    text += out.substr(0, out.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

const char* state_text(SweepRun::State state) {
  switch (state) {
    case SweepRun::State::kFinished: return "finished";
    case SweepRun::State::kFailed: return "failed";
    case SweepRun::State::kAbsent: break;
  }
  return "not finished";
}

/// Of runs.csv, from `devices` to `model_sha256`.
constexpr std::size_t kSummaryColumns = 21;
std::string summary_columns(const SweepRun& run) {
  std::string text =
      fmt::format(",{},{},{},{},{},{},{:.3f},{:.9g}", run.devices, run.held_out, run.parameters, run.uplink, run.rounds,
                  run.device_rounds, run.wall_seconds, run.device_rounds_per_second);
  text += totals_columns(totals_of({&run}));
  text += run.is_evaluated ? fmt::format(",{},{},{}", run.evaluation_rounds, run.evaluation_tasks, run.query_samples)
                           : ",,,";
  for (const Measure& measure : kMeasures) {
    const std::optional<double> value = is_measured(run, measure) ? run.*measure.value : std::nullopt;
    text += value ? fmt::format(",{:.9g}", *value) : ",";
  }
  return text + fmt::format(",{},{}", run.model_bytes, run.model_sha256);
}

}  // namespace

std::string sweep_csv(const SweepResult& result) {
  std::string text = grid_heading(result) + "seeds,rounds,parameters,updates_taken,updates_diverged," +
                     "updates_refused,evaluation_diverged_tasks";
  for (const Measure& measure : kMeasures) text += fmt::format(",{},{}_interval", measure.name, measure.name);
  text += "\n";
  for (std::size_t p = 0; p < result.points.size(); ++p) {
    const auto runs = runs_of(result, p);
    text += grid_columns(result.points[p]) + fmt::format("{}", runs.size());
    text += runs.empty() ? ",," : fmt::format(",{},{}", runs.front()->rounds, runs.front()->parameters);
    text += runs.empty() ? ",,,," : totals_columns(totals_of(runs));
    for (const Measure& measure : kMeasures) text += measure_columns(runs, measure);
    text += "\n";
  }
  return text;
}

std::string runs_csv(const SweepResult& result) {
  std::string text = grid_heading(result) +
                     "seed,state,devices,held_out,parameters,uplink,rounds,device_rounds,wall_seconds,"
                     "device_rounds_per_second,updates_taken,updates_diverged,updates_refused,"
                     "evaluation_diverged_tasks,evaluation_rounds,evaluation_tasks,query_samples,query_loss_before,"
                     "query_loss_after,query_accuracy_before,query_accuracy_after,model_bytes,model_sha256,folder,"
                     "problem\n";
  for (const SweepRun& run : result.runs) {
    text += grid_columns(result.points[run.point]) + fmt::format("{},{}", run.seed, state_text(run.state));
    text += run.state == SweepRun::State::kFinished ? summary_columns(run) : std::string(kSummaryColumns, ',');
    text += "," + csv_field(run.folder) + "," + csv_field(run.problem) + "\n";
  }
  return text;
}

std::string to_table(const SweepResult& result) {
  bool classifies = false;
  bool has_lost = false;
  for (const SweepRun& run : result.runs) {
    classifies = classifies || run.classifies;
    has_lost = has_lost || !lost_text(totals_of({&run})).empty();
  }
  std::vector<std::vector<std::string>> lines(1);
  for (const Override& setting : result.points.front()) lines[0].push_back(setting.key);
  lines[0].emplace_back("seeds");
  for (const Measure& measure : kMeasures) {
    if (classifies || !measure.is_accuracy) lines[0].emplace_back(measure.title);
  }
  if (has_lost) lines[0].emplace_back("diverged or refused");
  for (std::size_t p = 0; p < result.points.size(); ++p) {
    const auto runs = runs_of(result, p);
    lines.emplace_back();
    for (const Override& setting : result.points[p]) lines.back().push_back(setting.value);
    lines.back().push_back(std::to_string(runs.size()));
    for (const Measure& measure : kMeasures) {
      if (classifies || !measure.is_accuracy) lines.back().push_back(measure_text(runs, measure));
    }
    if (has_lost) lines.back().push_back(lost_text(totals_of(runs)));
  }
  return aligned(lines);
}

}  // namespace skink::simulations
