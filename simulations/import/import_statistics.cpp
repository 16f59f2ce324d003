#include "import_statistics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cell_text.hpp"

namespace skink::simulations {
namespace {

constexpr std::uint64_t kFewWindows = 10;
constexpr std::size_t kMostNamed = 5;
constexpr double kOtherRate = 0.1;  // of the stated one

std::uint64_t total(const ImportedClass& one) { return one.windows[0] + one.windows[1] + one.windows[2]; }

/// Zero stands for "none yet".
template <class Number>
void lower(Number& smallest, Number value) {
  smallest = smallest == 0 ? value : std::min(smallest, value);
}

void warn_of_classes(const ImportReport& report, std::vector<std::string>& warnings) {
  std::size_t few = 0;
  for (const ImportedClass& one : report.classes) {
    if (total(one) >= kFewWindows || ++few > kMostNamed) continue;
    warnings.push_back("class " + shown(one.name) + " has only " + std::to_string(total(one)) +
                       " windows; a task takes support_size + query_size of them");
  }
  if (few > kMostNamed) warnings.push_back("so have " + std::to_string(few - kMostNamed) + " more classes");
}

void warn_of_rate(const ImportReport& report, const ImportOptions& options, std::vector<std::string>& warnings) {
  const double rate = options.raw.rate_hz;
  const double measured = report.raw.median_step_s > 0 ? 1 / report.raw.median_step_s : 0;
  if (rate <= 0 || measured <= 0 || std::abs(measured - rate) <= kOtherRate * rate) return;
  warnings.push_back(
      fmt::format("readings come at {:.3g} a second (median), not at the {:.6g} of --rate; they are "
                  "taken as they are, not resampled",
                  measured, rate));
}

}  // namespace

void Moments::add(double value) noexcept {
  ++count_;
  const double difference = value - mean_;
  mean_ += difference / count_;
  squares_ += difference * (value - mean_);
}

double Moments::deviation() const noexcept { return count_ > 0 ? std::sqrt(squares_ / count_) : 0; }

void add_all(const std::vector<double>& values, std::vector<Moments>& channels) {
  for (std::size_t v = 0; v < values.size(); ++v) channels[v % channels.size()].add(values[v]);
}

void ImportStatistics::add(std::uint16_t label, std::uint16_t client, Split split) {
  const auto s = static_cast<std::size_t>(split);
  ++classes_[label][s];
  ++clients_[s][client][label];
}

void ImportStatistics::add_train(const std::vector<double>& values, const std::vector<double>& targets) {
  add_all(values, channels_);
  if (!targets_.empty()) add_all(targets, targets_);
}

void ImportStatistics::report_clients(std::size_t s, ImportedSplit& split) const {
  split.devices = clients_[s].size();
  for (const auto& [client, by_class] : clients_[s]) {
    lower(split.fewest_classes, by_class.size());
    std::uint64_t all = 0;
    for (const auto& [label, windows] : by_class) {
      lower(split.fewest_of_device, windows);
      all += windows;
    }
    if (split.poorest_windows != 0 && all >= split.poorest_windows) continue;
    split.poorest_windows = all;
    split.poorest_device = client;
  }
}

void ImportStatistics::report(ImportReport& report) const {
  report.classes.resize(classes_.size());
  for (std::size_t s = 0; s < kSplits; ++s) {
    ImportedSplit& split = report.splits[s];
    for (std::size_t label = 0; label < classes_.size(); ++label) {
      const std::uint64_t windows = classes_[label][s];
      report.classes[label].windows[s] = windows;
      split.windows += windows;
      if (windows == 0) continue;
      ++split.classes;
      lower(split.fewest_of_class, windows);
    }
    report_clients(s, split);
  }
  for (std::size_t c = 0; c < channels_.size(); ++c) {
    report.channels[c].mean = channels_[c].mean();
    report.channels[c].deviation = channels_[c].deviation();
  }
  for (std::size_t t = 0; t < targets_.size(); ++t) {
    report.targets[t].mean = targets_[t].mean();
    report.targets[t].deviation = targets_[t].deviation();
  }
}

std::vector<std::string> warnings_of(const ImportReport& report, const ImportOptions& options) {
  std::vector<std::string> warnings;
  const bool has_labels = !options.label_column.empty();
  if (has_labels) warn_of_classes(report, warnings);
  constexpr const char* kNames[kSplits] = {"training", "validation", "test"};
  for (std::size_t s = 0; s < kSplits; ++s) {
    const ImportedSplit& split = report.splits[s];
    const bool is_needed = s != static_cast<std::size_t>(Split::kValidation);
    if (split.windows == 0 && is_needed) warnings.push_back(std::string("the ") + kNames[s] + " split is empty");
    if (split.classes == 1 && has_labels) {
      warnings.push_back(std::string("the ") + kNames[s] + " split has one class; tasks need two");
    }
  }
  warn_of_rate(report, options, warnings);
  return warnings;
}

}  // namespace skink::simulations
