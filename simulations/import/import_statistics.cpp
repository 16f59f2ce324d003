#include "import_statistics.hpp"

#include <algorithm>
#include <cmath>

#include "columns.hpp"

namespace skink::simulations {
namespace {

constexpr std::uint64_t kFewWindows = 10;
constexpr std::size_t kMostNamed = 5;

std::uint64_t total(const ImportedClass& one) { return one.windows[0] + one.windows[1] + one.windows[2]; }

/// Zero stands for "none yet".
template <class Number>
void lower(Number& smallest, Number value) {
  smallest = smallest == 0 ? value : std::min(smallest, value);
}

}  // namespace

void ImportStatistics::add(std::uint16_t label, std::uint16_t client, Split split) {
  const auto s = static_cast<std::size_t>(split);
  ++classes_[label][s];
  ++clients_[s][client][label];
}

void ImportStatistics::add_train(double stored) {
  ++count_;
  const double difference = stored - mean_;
  mean_ += difference / count_;
  squares_ += difference * (stored - mean_);
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
    split.devices = clients_[s].size();
    for (const auto& [client, by_class] : clients_[s]) {
      lower(split.fewest_classes, by_class.size());
      for (const auto& [label, windows] : by_class) lower(split.fewest_of_device, windows);
    }
  }
  report.train_mean = mean_;
  report.train_deviation = count_ > 0 ? std::sqrt(squares_ / count_) : 0;
}

std::vector<std::string> warnings_of(const ImportReport& report) {
  std::vector<std::string> warnings;
  std::size_t few = 0;
  for (const ImportedClass& one : report.classes) {
    if (total(one) >= kFewWindows || ++few > kMostNamed) continue;
    warnings.push_back("class " + shown(one.name) + " has only " + std::to_string(total(one)) +
                       " windows; a task takes support_size + query_size of them");
  }
  if (few > kMostNamed) warnings.push_back("so have " + std::to_string(few - kMostNamed) + " more classes");
  constexpr const char* kNames[kSplits] = {"training", "validation", "test"};
  for (std::size_t s = 0; s < kSplits; ++s) {
    const ImportedSplit& split = report.splits[s];
    const bool is_needed = s != static_cast<std::size_t>(Split::kValidation);
    if (split.windows == 0 && is_needed) warnings.push_back(std::string("the ") + kNames[s] + " split is empty");
    if (split.classes == 1)
      warnings.push_back(std::string("the ") + kNames[s] + " split has one class; tasks need two");
  }
  return warnings;
}

}  // namespace skink::simulations
