#include "skink/simulations/import.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <utility>

#include "description.hpp"
#include "folder_writer.hpp"
#include "import_options.hpp"
#include "import_statistics.hpp"
#include "split.hpp"
#include "storage.hpp"
#include "survey.hpp"
#include "windows.hpp"

namespace skink::simulations {
namespace {

void append_float(double number, std::string& bytes) {
  const auto value = static_cast<float>(number);
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);  // hosts are little-endian, as npy.cpp asserts
}

/// All passes over one file.
class Import {
 public:
  explicit Import(const ImportOptions& options)
      : options_(options), out_(cleaned_folder(options.out_dir)), passes_(options.is_standardised ? 3 : 2) {}

  Result<ImportReport> run() {
    const Result<void> checked = check_options(options_);
    if (!checked) return checked.error();
    report_.written = check_vacant(out_);
    if (!report_.written) return report_;
    auto surveyed = survey(options_, watch());
    if (!surveyed) return surveyed.error();
    survey_ = std::move(*surveyed);
    for (const auto step : {&Import::plan, &Import::measure, &Import::convert}) {
      const Result<void> done = (this->*step)();
      if (!done) return done.error();
    }
    return std::move(report_);
  }

 private:
  /// Of the next pass.
  Watch watch() {
    const double before = pass_++;
    return [this, before](double part) -> Result<void> {
      if (!options_.on_progress || options_.on_progress((before + part) / passes_)) return {};
      return make_error(Status::kUnavailable, "interrupted; nothing was written");
    };
  }

  /// What the survey decides.
  Result<void> plan() {
    if (options_.split_column.empty()) {
      const bool by_device = options_.split_by == SplitBy::kDevice;
      auto dealt = deal_splits(by_device ? survey_.devices.size() : survey_.labels.size(), options_.validation,
                               options_.test, options_.seed, by_device ? "devices" : "labels");
      if (!dealt) return dealt.error();
      dealt_ = std::move(*dealt);
    }
    report_.windows = survey_.windows;
    report_.values = survey_.values;
    report_.shape = survey_.shape;
    report_.devices = survey_.devices.texts();
    report_.raw = survey_.raw;
    report_.empty_rows = survey_.empty_rows;
    report_.notes = survey_.notes;
    const std::vector<std::size_t>& columns = survey_.columns.values;
    report_.channels.resize(survey_.channels.size());
    for (std::size_t c = 0; c < report_.channels.size(); ++c) {
      ImportedChannel& channel = report_.channels[c];
      const bool is_column = columns.size() == report_.channels.size();
      channel.name = is_column ? survey_.columns.names[columns[c]] : fmt::format("channel {}", c);
      channel.min = survey_.channels[c].min;
      channel.max = survey_.channels[c].max;
    }
    plan_targets();
    return {};
  }

  void plan_targets() {
    const std::vector<std::size_t>& horizons = options_.raw.horizons;
    const std::vector<std::size_t>& values = survey_.columns.values;
    for (const std::size_t column : survey_.columns.targets) {
      const std::string& name = survey_.columns.names[column];
      if (options_.raw.window == 0) {
        report_.targets.push_back({name, 0, 0, std::nullopt});
        continue;
      }
      const auto found = std::find(values.begin(), values.end(), column);
      std::optional<std::size_t> channel;
      if (found != values.end()) channel = static_cast<std::size_t>(found - values.begin());
      for (const std::size_t horizon : horizons.empty() ? std::vector<std::size_t>{1} : horizons) {
        report_.targets.push_back({fmt::format("{}+{}", name, horizon), 0, 0, channel});
      }
    }
  }

  /// Means and deviations, where they decide what is stored; then how it is stored.
  Result<void> measure() {
    std::vector<Range> ranges = survey_.channels;
    ImportStorage storage = options_.storage;
    if (options_.is_standardised) {
      ImportStatistics statistics(survey_.labels.size(), report_.channels.size(), 0);
      Result<void> measured = each_window([&](const Window& window, const Place& place) {
        if (place.split == Split::kTrain) statistics.add_train(window.values, {});
        return true;
      });
      if (!measured) return measured;
      statistics.report(report_);
      for (std::size_t c = 0; c < ranges.size(); ++c) {
        ranges[c] = Range();
        ranges[c].add(given(c, survey_.channels[c].min));
        ranges[c].add(given(c, survey_.channels[c].max));
        ranges[c].is_whole = false;
      }
      if (storage == ImportStorage::kChosen) storage = ImportStorage::kFloat32;
    }
    storage_ = choose_storage(ranges, storage);
    report_.storage = storage_.name();
    for (std::size_t c = 0; c < report_.channels.size(); ++c) {
      report_.channels[c].scale = storage_.channels[c].scale;
      report_.channels[c].offset = storage_.channels[c].offset;
    }
    report_.bytes = report_.windows * report_.values * storage_.value_bytes();
    return {};
  }

  /// What is stored of a value, before storage rounds it.
  double given(std::size_t channel, double value) const {
    if (!options_.is_standardised) return value;
    const ImportedChannel& one = report_.channels[channel];
    return (value - one.mean) / (one.deviation > 0 ? one.deviation : 1);
  }

  /// Where a window belongs.
  struct Place {
    std::uint16_t label = 0;
    std::uint16_t device = 0;
    Split split = Split::kTrain;
  };

  Result<Place> place_of(const Window& window) const {
    const std::size_t label = survey_.labels.number_of(window.label);
    const std::size_t device = survey_.devices.number_of(window.device);
    if (label == survey_.labels.size() || device == survey_.devices.size()) return changed();
    const std::size_t dealt = options_.split_by == SplitBy::kDevice ? device : label;
    return Place{static_cast<std::uint16_t>(label), static_cast<std::uint16_t>(device),
                 dealt_.empty() ? window.split : dealt_[dealt]};
  }

  /// One pass. `use` returns false to end it.
  template <class Use>
  Result<void> each_window(Use use) {
    auto reader = WindowReader::open(options_, watch());
    if (!reader) return reader.error();
    for (std::uint64_t windows = 0; windows < report_.windows; ++windows) {
      const Result<bool> has_window = reader->next();
      if (!has_window) return has_window.error();
      if (!*has_window) return changed();
      const Window& window = reader->window();
      const auto place = place_of(window);
      if (!place) return place.error();
      for (std::size_t v = 0; v < window.values.size(); ++v) {
        const ImportedChannel& channel = report_.channels[v % report_.channels.size()];
        if (window.values[v] < channel.min || window.values[v] > channel.max) return changed();
      }
      if (!use(window, *place)) return {};
    }
    return {};
  }

  /// The last pass. What is wrong with the folder goes into the report, with the file is returned.
  Result<void> convert() {
    const FolderShape shape{static_cast<std::size_t>(report_.windows),
                            report_.shape,
                            storage_.descr(),
                            !options_.time_column.empty(),
                            options_.raw.window > 0,
                            report_.targets.size()};
    auto opened = FolderWriter::create(out_, shape);
    if (!opened) {
      report_.written = opened.error();
      return {};
    }
    FolderWriter& writer = **opened;
    ImportStatistics statistics(survey_.labels.size(), report_.channels.size(), report_.targets.size());
    Result<void> converted = each_window([&](const Window& window, const Place& place) {
      const bool is_good = write(window, place, writer);
      statistics.add(place.label, place.device, place.split);
      if (place.split == Split::kTrain) statistics.add_train(kept_, window.targets);
      return is_good;
    });
    if (!converted) return converted;
    statistics.report(report_);
    for (std::size_t label = 0; label < report_.classes.size(); ++label) {
      report_.classes[label].name = survey_.labels.texts()[label];
    }
    report_.warnings = survey_.warnings;
    const std::vector<std::string> more = warnings_of(report_, options_);
    report_.warnings.insert(report_.warnings.end(), more.begin(), more.end());
    const std::string folder = std::filesystem::path(out_).filename().string();
    const std::string name = options_.name.empty() ? folder : options_.name;
    report_.written = writer.finish(description_of(report_, options_, survey_, name));
    return {};
  }

  /// @returns false when it cannot be written.
  bool write(const Window& window, const Place& place, FolderWriter& writer) {
    sample_.clear();
    targets_.clear();
    kept_ = window.values;
    for (std::size_t v = 0; v < window.values.size(); ++v) {
      const std::size_t channel = v % report_.channels.size();
      const double value = given(channel, window.values[v]);
      const double stored = storage_.stored(channel, value);
      storage_.append(stored, sample_);
      if (!options_.is_standardised) kept_[v] = storage_.value(channel, stored);
      double& error = report_.channels[channel].largest_error;
      error = std::max(error, std::abs(storage_.value(channel, stored) - value));
    }
    for (const double target : window.targets) append_float(target, targets_);
    FolderRecord record{sample_, place.label, place.device, place.split, 0, window.recording, targets_};
    record.time = static_cast<float>(window.time_s - survey_.first_times_s[place.device]);
    return writer.add(record);
  }

  Error changed() const {
    return make_error(Status::kDamaged, options_.csv_file + ": changed while it was read; nothing was written");
  }

  const ImportOptions& options_;
  std::string out_;
  double passes_;
  double pass_ = 0;
  Survey survey_;
  std::vector<Split> dealt_;  ///< of each device or label; empty: a column says it
  Storage storage_;
  std::string sample_;
  std::vector<double> kept_;  ///< values of a window, as storage keeps them; standardised: as they were
  std::string targets_;
  ImportReport report_;
};

}  // namespace

Result<ImportReport> import_csv(const ImportOptions& options) { return Import(options).run(); }

}  // namespace skink::simulations
