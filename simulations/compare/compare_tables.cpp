#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "skink/coordinator/results/figures.hpp"
#include "skink/host/files/csv_field.hpp"
#include "skink/simulations/compare.hpp"

namespace skink::simulations {
namespace {

bool is_share(const CompareResult& result) { return result.figure == "accuracy"; }

/// Accuracy in percent.
std::string number(const CompareResult& result, double value, const char* sign = "") {
  if (std::isnan(value)) return "-";
  const std::string format = fmt::format("{{:{}.{}f}}", sign, is_share(result) ? 2 : 4);
  return fmt::format(fmt::runtime(format), is_share(result) ? 100 * value : value);
}

std::string spread(const CompareResult& result, const rounds::Spread& value, const char* sign = "") {
  const std::string mean = number(result, value.mean, sign);
  return std::isnan(value.half_width) ? mean : mean + " +- " + number(result, value.half_width);
}

std::string p_text(double p) {
  if (std::isnan(p)) return "-";
  return p < 0.0001 ? "< 0.0001" : fmt::format("{:.4f}", p);
}

std::string bytes(const std::optional<std::size_t>& count) { return count ? std::to_string(*count) : "-"; }

/// A bar would end the cell.
std::string cell(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

/// One character more than a byte for each that UTF-8 takes several for.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string markdown(const std::vector<std::vector<std::string>>& lines) {
  std::vector<std::size_t> widths(lines.front().size(), 3);
  for (const auto& line : lines) {
    for (std::size_t c = 0; c < line.size(); ++c) widths[c] = std::max(widths[c], width_of(line[c]));
  }
  std::string text;
  for (std::size_t l = 0; l < lines.size(); ++l) {
    for (std::size_t c = 0; c < widths.size(); ++c) {
      text += "| " + lines[l][c] + std::string(widths[c] - width_of(lines[l][c]) + 1, ' ');
    }
    text += "|\n";
    if (l != 0) continue;
    for (const std::size_t width : widths) text += "|" + std::string(width + 2, '-');
    text += "|\n";
  }
  return text;
}

/// What each arm reaches.
std::string reached(const CompareResult& result) {
  std::vector<std::vector<std::string>> lines{{"arm", "before", "after", "gain", "worst tenth", "bytes", "RAM"}};
  for (const ArmRow& arm : result.arms) {
    lines.push_back({cell(arm.name), spread(result, arm.before), spread(result, arm.after),
                     spread(result, arm.gain, "+"), number(result, arm.worst_tenth), bytes(arm.update_bytes),
                     bytes(arm.arena_bytes)});
  }
  return markdown(lines);
}

/// What differs from the baseline.
std::string differences(const CompareResult& result) {
  const std::string base = cell(result.arms[result.baseline].name);
  const std::string units = std::string(coordinator::unit_name(result.unit)) + "s";
  std::vector<std::vector<std::string>> lines{{"after, against " + base, "difference", "over seeds",
                                               units + " better, equal, worse", "signed-rank p", "sign p"}};
  for (const ArmRow& arm : result.arms) {
    if (!arm.difference) continue;
    const Difference& difference = *arm.difference;
    const std::size_t equal = difference.pairs - difference.better - difference.worse;
    lines.push_back({cell(arm.name), spread(result, difference.over_units, "+"),
                     spread(result, difference.over_seeds, "+"),
                     fmt::format("{}, {}, {}", difference.better, equal, difference.worse), p_text(difference.wilcoxon),
                     p_text(difference.sign)});
  }
  return lines.size() == 1 ? "" : "\n" + markdown(lines);
}

/// A sentence a line.
std::string legend(const CompareResult& result) {
  const ArmRow& base = result.arms[result.baseline];
  const std::string what = is_share(result) ? "accuracy, %" : result.figure;
  const std::string seeds = base.seeds == 1 ? "1 seed" : fmt::format("{} seeds", base.seeds);
  const std::string unit = coordinator::unit_name(result.unit);
  const std::string units =
      fmt::format("{} {}s{}", base.units.size(), unit,
                  result.unit == rounds::Unit::kClient ? ", each a mean of " + seeds : " of " + seeds);
  std::string text = fmt::format(
      "Figure: {}, before and after adaptation; {} is better.\n"
      "+-: 95 % intervals over {}; gain: after minus before, of the same ones and seeds; worst tenth: after, mean of "
      "the worst "
      "tenth of them.\n"
      "Bytes: of an encoded change, at most. RAM: that a device learns in, bytes.\n",
      what, result.higher_is_better ? "higher" : "lower", units);
  text += fmt::format("Differences are paired by {}; p is two-sided, and not corrected for {} comparisons.\n", unit,
                      result.arms.size() - 1);
  if (base.seeds == 1) text += "With one seed nothing can be said about other seeds.\n";
  return text;
}

std::string column(double value) { return std::isfinite(value) ? fmt::format(",{:.9g}", value) : ","; }
std::string columns(const rounds::Spread& spread) { return column(spread.mean) + column(spread.half_width); }
std::string column(const std::optional<std::size_t>& count) { return count ? fmt::format(",{}", *count) : ","; }

}  // namespace

std::string compare_table(const CompareResult& result) {
  std::string text = reached(result) + differences(result) + "\n" + legend(result);
  for (const std::string& note : result.notes) text += "\n- " + note;
  return result.notes.empty() ? text : text + "\n";
}

std::string compare_csv(const CompareResult& result) {
  std::string text =
      "arm,figure,units,unit,seeds,before,before_interval,after,after_interval,gain,gain_interval,worst_"
      "tenth,pairs,"
      "difference,difference_interval,better,worse,signed_rank_p,sign_p,seed_difference,seed_difference_interval,"
      "updates_taken,updates_diverged,updates_refused,evaluation_tasks,evaluation_diverged_tasks,update_bytes,"
      "arena_bytes\n";
  for (const ArmRow& arm : result.arms) {
    text += fmt::format("{},{},{},{},{}", csv_field(arm.name), result.figure, arm.units.size(),
                        coordinator::unit_name(result.unit), arm.seeds);
    text += columns(arm.before) + columns(arm.after) + columns(arm.gain) + column(arm.worst_tenth);
    if (arm.difference) {
      const Difference& difference = *arm.difference;
      text += fmt::format(",{}", difference.pairs) + columns(difference.over_units);
      text += fmt::format(",{},{}", difference.better, difference.worse) + column(difference.wilcoxon) +
              column(difference.sign) + columns(difference.over_seeds);
    } else {
      text += std::string(9, ',');
    }
    text += fmt::format(",{},{},{},{},{}", arm.updates.taken, arm.updates.diverged, arm.updates.refused, arm.tasks,
                        arm.diverged_tasks);
    text += column(arm.update_bytes) + column(arm.arena_bytes) + "\n";
  }
  return text;
}

std::string units_csv(const CompareResult& result) {
  std::string text = "arm,unit,before,after\n";
  for (const ArmRow& arm : result.arms) {
    for (const UnitRow& unit : arm.units) {
      text += csv_field(arm.name) + "," + csv_field(unit.name) + column(unit.before) + column(unit.after) + "\n";
    }
  }
  return text;
}

}  // namespace skink::simulations
