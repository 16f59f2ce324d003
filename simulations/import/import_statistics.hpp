#pragma once
/// @file
/// The second pass's statistics: how many windows each split has of which class and device, and the training split's
/// mean and deviation.

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "skink/simulations/import.hpp"

namespace skink::simulations {

class ImportStatistics {
 public:
  explicit ImportStatistics(std::size_t classes) : classes_(classes) {}

  void add(std::uint16_t label, std::uint16_t client, Split split);
  /// Stored numbers of a training window.
  void add_train(double stored);

  /// Fills in the report's classes and splits (but for the names) and the training split's mean and deviation.
  void report(ImportReport& report) const;

 private:
  using ByClass = std::map<std::uint16_t, std::uint64_t>;

  std::vector<std::array<std::uint64_t, kSplits>> classes_;
  std::array<std::map<std::uint16_t, ByClass>, kSplits> clients_;
  double count_ = 0;
  double mean_ = 0;
  double squares_ = 0;  ///< sum of squared differences from the mean (Welford)
};

/// What somebody should know before using the data set.
std::vector<std::string> warnings_of(const ImportReport& report);

}  // namespace skink::simulations
