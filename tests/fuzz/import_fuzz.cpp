/// @file
/// Any bytes as a CSV file, with whatever options the first two say: a data set that can be read, or a reason; no
/// folder is left after a reason.

#include <filesystem>
#include <string>

#include "fakes/scratch_folder.hpp"
#include "harness.hpp"
#include "skink/host/data/dataset.hpp"
#include "skink/host/files/files.hpp"
#include "skink/simulations/import.hpp"

namespace skink::test {
namespace {

/// Columns d (device), m (label), t (time), r (recording), s (split), y (target), others.
simulations::ImportOptions options_of(unsigned bits) {
  using simulations::LabelRule;
  simulations::ImportOptions options;
  options.device_column = "d";
  const auto is_set = [bits](unsigned bit) { return (bits >> bit & 1U) != 0; };
  if (!is_set(0)) options.label_column = "m";
  if (is_set(1)) options.time_column = "t";
  if (is_set(2)) options.split_column = "s";
  if (is_set(3)) options.target_columns = {"y"};
  if (is_set(4)) options.columns = {"x0..x2"};
  if (is_set(5)) options.storage = simulations::ImportStorage::kI16;
  options.is_standardised = is_set(6);
  options.time_unit = is_set(7) ? simulations::TimeUnit::kMilliseconds : simulations::TimeUnit::kSeconds;
  if (is_set(8)) options.header_line = 2;
  if (is_set(9)) options.validation = options.test = 0;
  if (!is_set(10)) return options;
  options.raw.window = is_set(11) ? 2 : 3;
  options.raw.stride = is_set(12) ? 1 : 4;
  options.raw.rate_hz = 1;
  if (is_set(13)) options.raw.recording_column = "r";
  if (is_set(14)) options.raw.label_rule = LabelRule::kMajority;
  if (is_set(15) && is_set(3)) options.raw.horizons = {1, 3};
  return options;
}

}  // namespace

void fuzz_import(Bytes input) {
  static const ScratchFolder folder;
  if (input.size() < 2) return;
  simulations::ImportOptions options = options_of(input[0] | static_cast<unsigned>(input[1]) << 8);
  options.csv_file = folder.write("fuzz.csv", input.subspan(2, input.size() - 2));
  options.out_dir = folder.file("set");
  const auto report = simulations::import_csv(options);
  if (!report) {
    promise(!report.error().message.empty(), "there is a reason");
    promise(!std::filesystem::exists(options.out_dir), "nothing is left");
    return;
  }
  promise(report->written.has_value(), "it is written");
  const auto dataset = Dataset::load(options.out_dir);
  promise(dataset.has_value(), "what is made can be read");
  promise(dataset->record_count() == report->windows, "all of it");
  promise(dataset->has_time() == !options.time_column.empty(), "with its times");
  promise(dataset->target_size() == report->targets.size(), "and targets");
  promise(!simulations::to_text(*report, options).empty(), "it is said");
  std::filesystem::remove_all(options.out_dir);
}

}  // namespace skink::test
