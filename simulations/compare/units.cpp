#include "units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "paired_test.hpp"
#include "skink/rounds/evaluation_figures.hpp"

namespace skink::simulations {
namespace {

double mean_of(const std::vector<double>& values) { return rounds::spread_of(values).mean; }

}  // namespace

Units gather_units(const std::vector<RunFigures>& runs, const std::vector<std::uint64_t>& seeds, rounds::Unit unit) {
  Units units;
  for (std::size_t s = 0; s < runs.size(); ++s) {
    for (const auto& [name, figure] : runs[s].units) {
      units[unit == rounds::Unit::kClient ? name : fmt::format("seed {} {}", seeds[s], name)][s] = figure;
    }
  }
  return units;
}

std::vector<UnitRow> rows_of(const Units& units) {
  std::vector<UnitRow> rows;
  rows.reserve(units.size());
  for (const auto& [name, figures] : units) {
    std::vector<double> before;
    std::vector<double> after;
    std::vector<double> gain;
    for (const auto& [seed, figure] : figures) {
      before.push_back(figure.before);
      after.push_back(figure.after);
      gain.push_back(figure.after - figure.before);  // NaN where one is absent
    }
    rows.push_back({name, mean_of(before), mean_of(after), mean_of(gain)});
  }
  return rows;
}

std::optional<Difference> difference_of(const Units& base, const Units& arm, bool higher_is_better) {
  std::vector<double> of_units;
  std::map<std::size_t, std::vector<double>> of_seeds;
  double largest = 0;
  for (const auto& [name, figures] : arm) {
    const auto there = base.find(name);
    if (there == base.end()) continue;
    std::vector<double> differences;
    for (const auto& [seed, figure] : figures) {
      const auto other = there->second.find(seed);
      if (other == there->second.end()) continue;
      const double difference = figure.after - other->second.after;
      if (std::isnan(difference)) continue;
      differences.push_back(difference);
      of_seeds[seed].push_back(difference);
      largest = std::max({largest, std::fabs(figure.after), std::fabs(other->second.after)});
    }
    if (!differences.empty()) of_units.push_back(mean_of(differences));
  }
  if (of_units.empty()) return std::nullopt;
  const PairedTest test = paired_test(of_units, largest);
  Difference difference;
  difference.pairs = of_units.size();
  difference.over_units = test.difference;
  difference.better = higher_is_better ? test.higher : test.lower;
  difference.worse = higher_is_better ? test.lower : test.higher;
  difference.wilcoxon = test.wilcoxon;
  difference.sign = test.sign;
  std::vector<double> seeds;
  seeds.reserve(of_seeds.size());
  for (const auto& [seed, differences] : of_seeds) seeds.push_back(mean_of(differences));
  difference.over_seeds = rounds::spread_of(seeds);
  return difference;
}

}  // namespace skink::simulations
