#include "import_options.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "cell_text.hpp"

namespace skink::simulations {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostReadings = 65535;  // of a window, a stride, a horizon
constexpr double kFastest = 1e9;
constexpr std::size_t kMostTargets = 65535;

Error misuse(const std::string& message) { return make_error(Status::kInvalidArgument, message); }

Result<void> check_folder_name(const std::string& folder) {
  constexpr std::size_t kMostName = 64;
  const std::string name = fs::path(cleaned_folder(folder)).filename().string();
  const bool is_good = !name.empty() && name.size() <= kMostName &&
                       name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") == std::string::npos;
  if (is_good) return {};
  return misuse("--out: " + shown(name) + ": experiments name the folder, with 1..64 of a-z, 0-9, - and _");
}

/// Texts that will stand in dataset.json.
Result<void> check_names(const ImportOptions& options) {
  const std::string name_fault = text_fault(options.name);
  if (!name_fault.empty())
    return misuse("--name: " + shown(options.name) + " " + name_fault + "; give a text of UTF-8");
  const std::string file = fs::path(options.csv_file).filename().string();
  const std::string file_fault = text_fault(file);
  if (file_fault.empty()) return {};
  return misuse("the name of the file, " + shown(file) + ", " + file_fault +
                ", and would stand in dataset.json; rename it");
}

Result<void> check_log(const ImportOptions& options) {
  const RawLogOptions& raw = options.raw;
  const bool has_log_option = raw.stride > 0 || raw.rate_hz != 0 || !raw.recording_column.empty() ||
                              raw.label_rule != LabelRule::kPure || !raw.horizons.empty();
  if (raw.window == 0 && has_log_option) {
    return misuse("--stride, --rate, --recording, --label-rule and --horizon are for raw logs: they need --window");
  }
  if (raw.window > kMostReadings || raw.stride > kMostReadings) return misuse("--window and --stride: use 1..65535");
  if (!(raw.rate_hz >= 0 && raw.rate_hz <= kFastest)) return misuse("--rate: use readings a second, above 0");
  if (raw.window > 0 && !options.shape.empty()) {
    return misuse("--shape: samples of a raw log have the shape of --window and the number of columns");
  }
  if (raw.window > 0 && !options.time_column.empty() && raw.rate_hz == 0) {
    return misuse("--time: a raw log needs --rate beside it, readings a second, so that gaps are seen");
  }
  const bool is_far = std::any_of(raw.horizons.begin(), raw.horizons.end(),
                                  [](std::size_t readings) { return readings < 1 || readings > kMostReadings; });
  if (is_far) return misuse("--horizon: use readings after a window's last, 1..65535 each");
  const std::size_t overlap = raw.stride > 0 ? (raw.window + raw.stride - 1) / raw.stride - 1 : 0;
  return overlap <= kMostReadings ? Result<void>() : misuse("--stride: windows overlap too often");
}

}  // namespace

std::string cleaned_folder(const std::string& folder) {
  const fs::path path = fs::path(folder).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).string();
}

Result<void> check_options(const ImportOptions& options) {
  Result<void> folder = check_folder_name(options.out_dir);
  if (!folder) return folder;
  Result<void> names = check_names(options);
  if (!names) return names;
  if (options.device_column.empty()) return misuse("--device: name the column that says whose rows they are");
  if (options.label_column.empty() && options.target_columns.empty()) {
    return misuse("--label: name the column of the class names, or with --target what is to be predicted");
  }
  if (!options.raw.horizons.empty() && options.target_columns.empty()) return misuse("--horizon needs --target");
  if (options.header_line == 0) return misuse("--header-line: lines count from 1");
  if (options.label_column.empty() && options.split_by == SplitBy::kLabel && options.split_column.empty()) {
    return misuse("--split-by label: there are no labels");
  }
  const std::size_t targets = std::max<std::size_t>(1, options.raw.horizons.size()) * options.target_columns.size();
  if (targets > kMostTargets) return misuse("--target: more than 65535 numbers");
  return check_log(options);
}

}  // namespace skink::simulations
