#pragma once
/// @file
/// What the tests of `skink-sim import` have in common: a file, its import, and what the data set says.

#include <catch2/catch.hpp>
#include <functional>
#include <string>
#include <vector>

#include "skink/host/data/dataset.hpp"
#include "skink/simulations/import.hpp"
#include "temporary_folder.hpp"

namespace skink::test {

using Change = std::function<void(simulations::ImportOptions&)>;

inline simulations::ImportOptions options_in(const TemporaryFolder& folder) {
  simulations::ImportOptions options;
  options.csv_file = folder.file("windows.csv");
  options.out_dir = folder.file("hand");
  options.label_column = "motion";
  options.device_column = "device";
  return options;
}

inline simulations::ImportReport imported(const simulations::ImportOptions& options) {
  auto report = simulations::import_csv(options);
  INFO((report ? "" : report.error().message));
  REQUIRE(report.has_value());
  REQUIRE(report->written.has_value());
  return *report;
}

/// Refused, and nothing is left beside the file.
inline std::string error_of(const std::string& csv, const Change& change = {}) {
  const TemporaryFolder folder;
  folder.write("windows.csv", csv);
  simulations::ImportOptions options = options_in(folder);
  if (change) change(options);
  const auto report = simulations::import_csv(options);
  REQUIRE(report.has_error());
  const std::filesystem::directory_iterator files(folder.path());
  CHECK(std::distance(begin(files), end(files)) == 1);
  return report.error().message;
}

/// A small file, imported without splits.
struct Imported {
  TemporaryFolder folder;
  simulations::ImportOptions options = options_in(folder);
  simulations::ImportReport report;
  Dataset dataset;

  explicit Imported(const std::string& csv, const Change& change = {}) {
    folder.write("windows.csv", csv);
    options.test = 0;
    options.validation = 0;
    if (change) change(options);
    report = imported(options);
    dataset = Dataset::load(options.out_dir).value();
  }

  /// The stored numbers of a record.
  std::vector<float> stored(std::size_t record) const {
    std::vector<float> numbers(dataset.sample_size());
    dataset.read_stored(record, {numbers.data(), numbers.size()});
    return numbers;
  }
  /// In their units.
  std::vector<double> values(std::size_t record) const {
    std::vector<double> numbers;
    const std::size_t channels = dataset.sample_shape().back();
    for (const float number : stored(record)) {
      const std::size_t channel = numbers.size() % channels;
      const double scale = dataset.scale().size() == 1 ? dataset.scale()[0] : dataset.scale()[channel];
      const double offset = dataset.offset().size() == 1 ? dataset.offset()[0] : dataset.offset()[channel];
      numbers.push_back(static_cast<double>(number) * scale + offset);
    }
    return numbers;
  }
  std::string text() const { return simulations::to_text(report, options); }
};

}  // namespace skink::test
