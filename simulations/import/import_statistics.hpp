#pragma once
/// @file
/// The last pass's statistics: how many windows each split has of which class and device, and means and deviations of
/// the training split.

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "skink/simulations/import.hpp"

namespace skink::simulations {

/// Mean and deviation of a list of numbers, number by number (Welford).
class Moments {
 public:
  void add(double value) noexcept;
  double mean() const noexcept { return mean_; }
  /// Of the numbers themselves, not an estimate; 0 for none.
  double deviation() const noexcept;

 private:
  double count_ = 0;
  double mean_ = 0;
  double squares_ = 0;  ///< sum of squared differences from the mean
};

/// Of each place modulo the number of channels.
void add_all(const std::vector<double>& values, std::vector<Moments>& channels);

class ImportStatistics {
 public:
  ImportStatistics(std::size_t classes, std::size_t channels, std::size_t targets)
      : classes_(classes), channels_(channels), targets_(targets) {}

  void add(std::uint16_t label, std::uint16_t client, Split split);
  /// Values and targets of a training window.
  void add_train(const std::vector<double>& values, const std::vector<double>& targets);

  /// Fills in the report's classes and splits, and means and deviations of channels and targets; not names.
  void report(ImportReport& report) const;

 private:
  using ByClass = std::map<std::uint16_t, std::uint64_t>;

  void report_clients(std::size_t s, ImportedSplit& split) const;

  std::vector<std::array<std::uint64_t, kSplits>> classes_;
  std::array<std::map<std::uint16_t, ByClass>, kSplits> clients_;
  std::vector<Moments> channels_;
  std::vector<Moments> targets_;
};

/// What somebody should know before using the data set.
std::vector<std::string> warnings_of(const ImportReport& report, const ImportOptions& options);

}  // namespace skink::simulations
