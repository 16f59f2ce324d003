#include "skink/simulations/import.hpp"

#include <charconv>
#include <cstdio>
#include <sstream>

#include "terminal.hpp"

namespace skink::simulations::cli {
namespace {

std::vector<std::string> split_at(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

/// "8x8x1".
bool parse_shape(const std::string& text, std::vector<std::size_t>& shape) {
  constexpr std::size_t kMostExtents = 3;
  for (const std::string& part : split_at(text, 'x')) {
    std::size_t extent = 0;
    const char* end = part.data() + part.size();
    const auto parsed = std::from_chars(part.data(), end, extent);
    if (parsed.ec != std::errc() || parsed.ptr != end || extent == 0) return false;
    shape.push_back(extent);
  }
  return text.empty() || (!shape.empty() && shape.size() <= kMostExtents && text.back() != 'x');
}

class ImportLine {
 public:
  explicit ImportLine(Verbosity verbosity) : line_(verbosity) { line_.is_due(); }  // small files need none
  void show(double part) {
    if (!line_.is_due()) return;
    char text[40];
    std::snprintf(text, sizeof text, "importing: %.0f %%", 100 * part);
    line_.print(text);
  }

 private:
  ProgressLine line_;
};

/// "1,3,6"
bool parse_horizons(const std::string& text, std::vector<std::size_t>& horizons) {
  for (const std::string& part : split_at(text, ',')) {
    std::size_t readings = 0;
    const char* end = part.data() + part.size();
    const auto parsed = std::from_chars(part.data(), end, readings);
    if (parsed.ec != std::errc() || parsed.ptr != end || readings == 0) return false;
    horizons.push_back(readings);
  }
  return text.empty() || text.back() != ',';
}

void add_splits(Command& command, ImportOptions& options) {
  const Option split = command.option("--split", options.split_column, "Column with train, validation or test");
  const std::vector<std::pair<const char*, SplitBy>> ways{{"device", SplitBy::kDevice}, {"label", SplitBy::kLabel}};
  command.choice("--split-by", options.split_by, ways, "What is kept apart (default: device)").excludes(split);
  command.option("--validation", options.validation, "Fraction for validation (default 0.1)").excludes(split);
  command.option("--test", options.test, "Fraction for testing (default 0.2)").excludes(split);
  command.option("--seed", options.seed, "Of the split (default 1)").excludes(split);
}

void add_raw_log(Command& command, ImportArguments& arguments) {
  RawLogOptions& raw = arguments.options.raw;
  constexpr std::uint32_t kMost = 65535;
  command.option("--window", arguments.window, "The file is a raw log: readings of a window").range(1U, kMost);
  command.option("--stride", arguments.stride, "Readings from window to window (default: --window)").range(1U, kMost);
  command.option("--rate", raw.rate_hz, "Readings a second; with --time, steps of 1.5 periods are gaps")
      .range(1e-9, 1e9);
  command.option("--recording", raw.recording_column, "Column of recordings; no window is of two");
  const std::vector<std::pair<const char*, LabelRule>> rules{{"pure", LabelRule::kPure},
                                                             {"majority", LabelRule::kMajority},
                                                             {"last", LabelRule::kLast},
                                                             {"first", LabelRule::kFirst}};
  command.choice("--label-rule", raw.label_rule, rules, "A window's label (default pure: all its readings have it)");
  command.option("--horizon", arguments.horizons, "Targets: readings after a window's last, as 1,3,6 (default 1)");
}

}  // namespace

void add_import(Command& command, ImportArguments& arguments) {
  ImportOptions& options = arguments.options;
  command.option("file", options.csv_file, "CSV file with a window or a reading in each row (docs/data.md)").required();
  command.option("--out", options.out_dir, "Folder of the data set; absent or empty").required();
  command.option("--label", options.label_column, "Column of the class names; needed unless there is --target");
  command.option("--device", options.device_column, "Column that says whose window it is").required();
  add_splits(command, options);
  command.option("--columns", arguments.columns, "The sample's columns: a,b,x0..x63 (default: all others)");
  command.option("--shape", arguments.shape, "Shape of a sample: 64, 32x6 or 8x8x1 (default: the number of columns)");
  command.option("--time", options.time_column, "Column of times: numbers or ISO 8601");
  const std::vector<std::pair<const char*, TimeUnit>> units{{"s", TimeUnit::kSeconds},
                                                            {"ms", TimeUnit::kMilliseconds},
                                                            {"us", TimeUnit::kMicroseconds},
                                                            {"ns", TimeUnit::kNanoseconds}};
  command.choice("--time-unit", options.time_unit, units, "Of numbers in --time (default s)");
  command.option("--target", arguments.targets, "Columns of numbers to predict: a,b,x0..x63");
  add_raw_log(command, arguments);
  const std::vector<std::pair<const char*, ImportStorage>> storages{{"i16", ImportStorage::kI16},
                                                                    {"float32", ImportStorage::kFloat32}};
  command.choice("--storage", options.storage, storages, "How numbers are stored (default: u8 or i16)");
  command.flag("--standardize", options.is_standardised, "Stores (value - mean) / deviation of each channel");
  command.option("--header-line", options.header_line, "Line that names the columns (default 1)");
  command.option("--data-line", options.data_line, "First line of data (default: the next)");
  command.option("--name", options.name, "Name in dataset.json (default: the folder's)");
  command.flag("--quiet", arguments.is_quiet, "No progress line");
}

int import_file(const ImportArguments& arguments) {
  ImportOptions options = arguments.options;
  options.columns = split_at(arguments.columns, ',');
  if (!parse_shape(arguments.shape, options.shape)) {
    return fail(ExitCode::kUsage, "--shape: '" + arguments.shape + "' is no shape, for example 64, 32x6 or 8x8x1");
  }
  options.target_columns = split_at(arguments.targets, ',');
  options.raw.window = arguments.window;
  options.raw.stride = arguments.stride;
  if (!parse_horizons(arguments.horizons, options.raw.horizons)) {
    return fail(ExitCode::kUsage, "--horizon: '" + arguments.horizons + "' is no list of readings, for example 1,3,6");
  }
  catch_interruptions();
  ImportLine line(verbosity(arguments.is_quiet));
  options.on_progress = [&line](double part) {
    line.show(part);
    return !is_interrupted();
  };
  const auto report = import_csv(options);
  if (!report && is_interrupted()) return end_interrupted(report.error().message);
  if (!report) {
    const bool is_misuse = report.error().code == Status::kInvalidArgument;
    return fail(is_misuse ? ExitCode::kUsage : ExitCode::kData, report.error().message);
  }
  if (!report->written) return fail(ExitCode::kStore, report->written.error().message);
  std::printf("%s", to_text(*report, options).c_str());
  return kOk;
}

}  // namespace skink::simulations::cli
