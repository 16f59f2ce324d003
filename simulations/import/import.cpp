#include "skink/simulations/import.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <limits>
#include <utility>

#include "folder_writer.hpp"
#include "import_statistics.hpp"
#include "split.hpp"
#include "storage.hpp"
#include "survey.hpp"
#include "windows.hpp"

namespace skink::simulations {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kWatchEvery = 256;  // windows
constexpr double kFewSteps = 256;

Error misuse(const std::string& message) { return make_error(Status::kInvalidArgument, message); }

/// "data/hand/" as "data/hand".
std::string cleaned(const std::string& folder) {
  const fs::path path = fs::path(folder).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).string();
}

Result<void> check_folder_name(const std::string& folder) {
  constexpr std::size_t kMostName = 64;
  const std::string name = fs::path(folder).filename().string();
  const bool is_good = !name.empty() && name.size() <= kMostName &&
                       name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") == std::string::npos;
  if (is_good) return {};
  return misuse("--out: " + shown(name) + ": experiments name the folder, with 1..64 of a-z, 0-9, - and _");
}

Result<std::vector<std::size_t>> shape_of(const ImportOptions& options, std::size_t values) {
  if (options.shape.empty()) return std::vector<std::size_t>{values};
  std::size_t product = 1;
  std::string text;
  for (const std::size_t extent : options.shape) {
    text += (text.empty() ? "" : "x") + std::to_string(extent);
    const bool is_good = extent > 0 && product <= std::numeric_limits<std::uint32_t>::max() / extent;
    product = is_good ? product * extent : 0;
  }
  if (product == values) return options.shape;
  return misuse("--shape: " + text + " does not have the " + std::to_string(values) + " values of a window");
}

std::vector<std::string> names_of(const Counts& counts) {
  std::vector<std::string> names;
  std::transform(counts.begin(), counts.end(), std::back_inserter(names), [](const auto& pair) { return pair.first; });
  return names;
}

/// Replaces counts by places in the sorted order.
Counts numbered(Counts counts) {
  std::uint64_t next = 0;
  for (auto& [name, number] : counts) number = next++;
  return counts;
}

std::string json_of(const std::vector<std::string>& names) {
  std::string text = "[";
  for (const std::string& name : names) {
    text += (text.size() > 1 ? ",\n  " : "\n  ") + boost::json::serialize(boost::json::string(name));
  }
  return text + "\n ]";
}

/// Both passes over one file.
class Import {
 public:
  explicit Import(const ImportOptions& options) : options_(options), out_(cleaned(options.out_dir)) {}

  Result<ImportReport> run() {
    const Result<void> named = check_folder_name(out_);
    if (!named) return named.error();
    report_.written = check_vacant(out_);
    if (!report_.written) return report_;
    auto surveyed = survey(options_, [this](const WindowReader& reader, std::uint64_t windows) {
      return watch(windows, reader.progress() / 2);
    });
    if (!surveyed) return surveyed.error();
    survey_ = std::move(*surveyed);
    const Result<void> planned = plan();
    if (!planned) return planned.error();
    const Result<void> converted = convert();
    if (!converted) return converted.error();
    return std::move(report_);
  }

 private:
  Result<void> watch(std::uint64_t windows, double part) const {
    if (windows % kWatchEvery != 0 || !options_.on_progress || options_.on_progress(part)) return {};
    return make_error(Status::kUnavailable, "interrupted; nothing was written");
  }

  /// What the survey decides.
  Result<void> plan() {
    auto shape = shape_of(options_, survey_.ranges.size());
    if (!shape) return shape.error();
    report_.shape = std::move(*shape);
    labels_ = numbered(survey_.labels);
    devices_ = numbered(survey_.devices);
    if (options_.split_column.empty()) {
      const bool by_device = options_.split_by == SplitBy::kDevice;
      auto dealt = deal_splits(by_device ? devices_.size() : labels_.size(), options_.validation, options_.test,
                               options_.seed, by_device ? "devices" : "labels");
      if (!dealt) return dealt.error();
      dealt_ = std::move(*dealt);
    }
    storage_ = choose_storage(survey_.range, options_.storage);
    report_.windows = survey_.windows;
    report_.values = survey_.ranges.size();
    report_.devices = devices_.size();
    report_.min = survey_.range.min;
    report_.max = survey_.range.max;
    report_.storage = storage_.name();
    report_.scale = storage_.scale;
    report_.offset = storage_.offset;
    report_.bytes = report_.windows * report_.values * storage_.value_bytes();
    return {};
  }

  /// The second pass. What is wrong with the folder goes into the report, with the file is returned.
  Result<void> convert() {
    auto reader = WindowReader::open(options_);
    if (!reader) return reader.error();
    auto opened =
        FolderWriter::create(out_, static_cast<std::size_t>(report_.windows), report_.shape, storage_.descr());
    if (!opened) {
      report_.written = opened.error();
      return {};
    }
    FolderWriter& writer = **opened;
    ImportStatistics statistics(labels_.size());
    for (std::uint64_t windows = 0; windows < report_.windows; ++windows) {
      const Result<bool> has_window = reader->next();
      if (!has_window) return has_window.error();
      if (!*has_window) return changed();
      const Result<bool> good = convert_window(*reader, writer, statistics);
      if (!good) return good.error();
      if (!*good) break;
      Result<void> watched = watch(windows + 1, 0.5 + reader->progress() / 2);
      if (!watched) return watched;
    }
    statistics.report(report_);
    auto label = labels_.begin();
    for (ImportedClass& one : report_.classes) one.name = (label++)->first;
    report_.warnings = warnings_of(report_);
    warn_of_coarse_columns(reader->columns());
    report_.written = writer.finish(description(reader->columns()));
    return {};
  }

  /// @returns false when it cannot be written.
  Result<bool> convert_window(const WindowReader& reader, FolderWriter& writer, ImportStatistics& statistics) {
    const auto label = labels_.find(reader.label());
    const auto device = devices_.find(reader.device());
    if (label == labels_.end() || device == devices_.end()) return changed();
    const std::uint64_t dealt = options_.split_by == SplitBy::kDevice ? device->second : label->second;
    const Split split = dealt_.empty() ? reader.split() : dealt_[dealt];
    sample_.clear();
    for (const double value : reader.values()) {
      if (value < report_.min || value > report_.max) return changed();
      const double stored = storage_.stored(value);
      storage_.append(stored, sample_);
      report_.largest_error = std::max(report_.largest_error, std::abs(storage_.value(stored) - value));
      if (split == Split::kTrain) statistics.add_train(stored);
    }
    const auto label_number = static_cast<std::uint16_t>(label->second);
    const auto device_number = static_cast<std::uint16_t>(device->second);
    statistics.add(label_number, device_number, split);
    return writer.add(sample_, label_number, device_number, split);
  }

  Error changed() const {
    return make_error(Status::kDamaged, options_.csv_file + ": changed while it was read; nothing was written");
  }

  void warn_of_coarse_columns(const Columns& columns) {
    if (storage_.type != StoredType::kI16 || report_.largest_error <= 0) return;
    for (std::size_t v = 0; v < survey_.ranges.size(); ++v) {
      const Range& range = survey_.ranges[v];
      const double steps = (range.max - range.min) / storage_.scale;
      if (range.max <= range.min || steps >= kFewSteps) continue;
      report_.warnings.push_back(
          fmt::format("column {} varies by {:.3g} steps of i16 only, beside columns of larger "
                      "numbers; --storage float32 keeps it",
                      shown(columns.names[columns.values[v]]), steps));
      return;  // one says it for all
    }
  }

  std::string description(const Columns& columns) const {
    std::vector<std::string> values;
    for (const std::size_t column : columns.values) values.push_back(columns.names[column]);
    const std::string name = options_.name.empty() ? fs::path(out_).filename().string() : options_.name;
    const std::string source = fs::path(options_.csv_file).filename().string();
    return fmt::format(
        "{{\n \"name\": {},\n \"records\": {},\n \"shape\": [{}],\n \"classes\": {},\n \"clients\": {},\n"
        " \"scale\": {},\n \"offset\": {},\n \"train_mean\": {:.9g},\n \"train_deviation\": {:.9g},\n"
        " \"class_names\": {},\n \"client_is\": {},\n \"client_names\": {},\n \"columns\": {},\n"
        " \"split\": {{\"0\": \"train\", \"1\": \"validation\", \"2\": \"test\"}},\n \"split_by\": {},\n"
        " \"source\": {}\n}}\n",
        quoted(name), report_.windows, fmt::join(report_.shape, ", "), labels_.size(), devices_.size(), storage_.scale,
        storage_.offset, report_.train_mean, report_.train_deviation, json_of(names_of(labels_)),
        quoted(options_.device_column), json_of(names_of(devices_)), json_of(values), quoted(split_text()),
        quoted(source));
  }

  std::string split_text() const {
    if (!options_.split_column.empty()) return "column " + options_.split_column;
    return fmt::format("{}, seed {}", options_.split_by == SplitBy::kDevice ? "device" : "label", options_.seed);
  }

  static std::string quoted(const std::string& text) { return boost::json::serialize(boost::json::string(text)); }

  const ImportOptions& options_;
  std::string out_;
  Survey survey_;
  Counts labels_;
  Counts devices_;
  std::vector<Split> dealt_;  ///< of each device or label; empty: a column says it
  Storage storage_;
  std::string sample_;
  ImportReport report_;
};

}  // namespace

Result<ImportReport> import_csv(const ImportOptions& options) { return Import(options).run(); }

}  // namespace skink::simulations
