#include "skink/simulations/feature_set.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <cmath>
#include <filesystem>
#include <map>
#include <sstream>

#include "folder_writer.hpp"
#include "recording_features.hpp"
#include "skink/host/data/dataset.hpp"

namespace skink::simulations {
namespace {

constexpr const char* kStatisticNames[] = {"mean", "deviation", "energy", "rms", "least", "greatest", "step"};

/// Mean and deviation of each feature, over records of the training split.
class Moments {
 public:
  explicit Moments(std::size_t size) : sums_(size), squares_(size) {}
  void add(const std::vector<float>& sample) {
    for (std::size_t i = 0; i < sample.size(); ++i) {
      const double value = sample[i];
      sums_[i % sums_.size()] += value;
      squares_[i % sums_.size()] += value * value;
    }
    count_ += sample.size() / sums_.size();
  }
  void fill(FeatureSetReport& report) const {
    const double count = count_ == 0 ? 1 : static_cast<double>(count_);
    for (std::size_t i = 0; i < sums_.size(); ++i) {
      const double mean = sums_[i] / count;
      report.means.push_back(mean);
      report.deviations.push_back(std::sqrt(std::max(0.0, squares_[i] / count - mean * mean)));
    }
  }

 private:
  std::vector<double> sums_;
  std::vector<double> squares_;
  std::size_t count_ = 0;
};

boost::json::array names(std::size_t count, const std::function<std::string(std::uint16_t)>& name) {
  boost::json::array list;
  for (std::size_t i = 0; i < count; ++i) list.emplace_back(name(static_cast<std::uint16_t>(i)));
  return list;
}

boost::json::object recipe_of(const RecordingPlan& plan, const FeatureSetOptions& options) {
  boost::json::object recipe{{"version", features::kFeaturesVersion},
                             {"of", options.folder},
                             {"window", plan.frames.length},
                             {"hop", plan.frames.hop},
                             {"axes", plan.frames.axes},
                             {"statistics", boost::json::array()}};
  for (unsigned bit = 0; bit < std::size(kStatisticNames); ++bit) {
    if ((plan.features.statistics >> bit & 1U) != 0) recipe["statistics"].as_array().emplace_back(kStatisticNames[bit]);
  }
  const features::MelSpec& mel = plan.features.mel;
  if (mel.bands > 0) {
    recipe["mel"] = {
        {"bands", mel.bands},     {"transform", mel.transform},
        {"rate_hz", mel.rate_hz}, {"low_hz", mel.low_hz},
        {"high_hz", mel.high_hz}, {"taper", plan.features.taper == features::Taper::kHann ? "hann" : "none"}};
  }
  recipe["standardised"] = options.is_standardised;
  return recipe;
}

std::string description_of(const Dataset& data, const RecordingPlan& plan, const FeatureSetOptions& options,
                           const FeatureSetReport& report) {
  std::size_t classes = 0;
  std::size_t clients = 0;
  for (std::size_t r = 0; r < data.record_count(); ++r) {
    classes = std::max<std::size_t>(classes, data.class_of(r) + 1U);
    clients = std::max<std::size_t>(clients, data.client_of(r) + 1U);
  }
  const std::string name = std::filesystem::path(options.out_dir).lexically_normal().filename().string();
  boost::json::object object{{"name", options.name.empty() ? name : options.name}, {"records", report.records}};
  object["shape"] = boost::json::array(report.shape.begin(), report.shape.end());
  object["class_names"] = names(classes, [&](std::uint16_t label) { return data.class_name(label); });
  object["client_names"] = names(clients, [&](std::uint16_t client) { return data.client_name(client); });
  if (!data.target_names().empty()) {
    object["target_names"] = boost::json::array(data.target_names().begin(), data.target_names().end());
  }
  if (plan.overlap(data.overlap()) > 0) object["overlap"] = plan.overlap(data.overlap());
  object["features"] = recipe_of(plan, options);
  return boost::json::serialize(object) + "\n";
}

template <class Number>
std::string_view bytes_of(const std::vector<Number>& numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(Number)};
}

/// Goes over the records once.
class FeatureSetMaker {
 public:
  FeatureSetMaker(const Dataset& data, const RecordingPlan& plan, const FeatureSetOptions& options)
      : data_(data), plan_(plan), options_(options), moments_(plan.feature_count()), stored_(data.sample_size()) {}

  Result<void> add_records(FolderWriter& writer) {
    for (std::size_t record = 0; record < data_.record_count(); ++record) {
      constexpr std::size_t kProgressEvery = 64;
      if (record % kProgressEvery == 0 && options_.on_progress &&
          !options_.on_progress(static_cast<double>(record) / static_cast<double>(data_.record_count()))) {
        return make_error(Status::kUnavailable, "stopped; nothing was written");
      }
      auto added = add_record(record, writer);
      if (!added) return added;
    }
    return {};
  }
  void fill(FeatureSetReport& report) const { moments_.fill(report); }

 private:
  Result<void> add_record(std::size_t record, FolderWriter& writer) {
    data_.read_stored(record, {stored_.data(), stored_.size()});
    if (options_.is_mu_law) {
      for (float& value : stored_) value = decode_mu_law(static_cast<std::uint8_t>(value));
    }
    auto& client = clients_[data_.client_of(record)];
    if (!client) client = std::make_unique<RecordingFeatures>(plan_);
    const auto samples = client->add({stored_.data(), stored_.size()});
    if (!samples) {
      return make_error(Status::kNotFinite,
                        fmt::format("{}/x.npy: record {}, {}", options_.folder, record, samples.error().message));
    }
    std::vector<float> targets(data_.target_size());
    if (!targets.empty()) data_.read_target(record, {targets.data(), targets.size()});
    for (std::size_t i = 0; i < samples->size(); ++i) {
      const std::vector<float>& sample = (*samples)[i];
      FolderRecord made;
      made.sample = bytes_of(sample);
      made.label = data_.class_of(record);
      made.client = data_.client_of(record);
      made.split = data_.split_of(record);
      made.time = data_.time_of(record) + static_cast<float>(static_cast<double>(i) * plan_.seconds_of_step());
      made.targets = bytes_of(targets);
      if (made.split == Split::kTrain) moments_.add(sample);
      if (!writer.add(made)) break;  // finish() says why
    }
    return {};
  }

  const Dataset& data_;
  const RecordingPlan& plan_;
  const FeatureSetOptions& options_;
  Moments moments_;
  std::vector<float> stored_;
  std::map<std::uint16_t, std::unique_ptr<RecordingFeatures>> clients_;
};

std::string list_of(const std::vector<double>& numbers) { return fmt::format("[{:.9g}]", fmt::join(numbers, ", ")); }

}  // namespace

Result<FeatureSetReport> make_feature_set(const FeatureSetOptions& options) {
  const auto vacant = check_vacant(options.out_dir);
  if (!vacant) return make_error(Status::kInvalidArgument, vacant.error().message);
  const auto data = Dataset::load(options.folder);
  if (!data) return data.error();
  const auto plan = plan_recordings(*data, options);
  if (!plan) return plan.error();
  FeatureSetReport report;
  report.features = plan->feature_count();
  report.records = data->record_count() * plan->samples;
  report.shape = {report.features};
  if (plan->stack > 1) report.shape.insert(report.shape.begin(), plan->stack);
  report.window_bytes = sizeof(float) * plan->window_count();
  report.other_bytes = sizeof(float) * plan->other_count();
  FolderShape shape;
  shape.records = report.records;
  shape.sample = report.shape;
  shape.descr = "<f4";
  shape.has_time = data->has_time();
  shape.targets = data->target_size();
  auto writer = FolderWriter::create(options.out_dir, shape);
  if (!writer) {
    report.written = writer.error();
    return report;
  }
  FeatureSetMaker maker(*data, *plan, options);
  const auto made = maker.add_records(**writer);
  if (!made) return made.error();
  maker.fill(report);
  report.written = (*writer)->finish(description_of(*data, *plan, options, report));
  return report;
}

std::string to_text(const FeatureSetReport& report, const FeatureSetOptions& options) {
  const std::string name = std::filesystem::path(options.out_dir).lexically_normal().filename().string();
  std::string text = fmt::format("{}: {} records of [{}] features, version {}\n", options.out_dir, report.records,
                                 fmt::join(report.shape, ", "), features::kFeaturesVersion);
  text += fmt::format("a device needs {} bytes of RAM for a window, and {} for the rest\n\n", report.window_bytes,
                      report.other_bytes);
  std::vector<double> scales;
  std::vector<double> offsets;
  for (std::size_t i = 0; i < report.means.size(); ++i) {
    const double scale = report.deviations[i] > 0 ? 1 / report.deviations[i] : 1.0;
    scales.push_back(scale);
    offsets.push_back(-report.means[i] * scale);
  }
  text += fmt::format(
      "In an experiment, scaled to mean 0 and deviation 1 of the training split:\n\n[model]\ninput = [{}]\n",
      fmt::join(report.shape, ", "));
  text += fmt::format("input_scale = {}\ninput_offset = {}\n\n[task]\nsource = \"dataset\"\ndataset = \"{}\"\n",
                      list_of(scales), list_of(offsets), name);
  return text;
}

Result<std::uint8_t> parse_statistics(const std::string& text) {
  if (text == "all") return features::kAllStatistics;
  std::uint8_t mask = 0;
  std::istringstream stream(text);
  for (std::string name; std::getline(stream, name, ',');) {
    std::uint8_t bit = 0;
    for (std::size_t i = 0; i < std::size(kStatisticNames); ++i) {
      if (name == kStatisticNames[i]) bit = static_cast<std::uint8_t>(1U << i);
    }
    if (bit == 0 || (mask & bit) != 0) {
      return make_error(Status::kInvalidArgument,
                        fmt::format("'{}' is no statistic, or comes twice; there are: all, or {}", name,
                                    fmt::join(kStatisticNames, ",")));
    }
    mask = static_cast<std::uint8_t>(mask | bit);
  }
  return mask;
}

std::int16_t decode_mu_law(std::uint8_t byte) noexcept {
  const auto v = static_cast<std::uint8_t>(~byte);
  const int magnitude = ((((v & 15) << 3) + 132) << (v >> 4 & 7)) - 132;
  return static_cast<std::int16_t>((v & 128) != 0 ? -magnitude : magnitude);
}

}  // namespace skink::simulations
