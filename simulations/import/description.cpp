#include "description.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <filesystem>
#include <iterator>
#include <utility>
#include <vector>

namespace skink::simulations {
namespace {

std::string json_text(std::string_view text) { return boost::json::serialize(boost::json::string(text)); }

std::string list_of(const std::vector<std::string>& texts) {
  std::string text = "[";
  for (const std::string& one : texts) text += (text.size() > 1 ? ",\n  " : "\n  ") + json_text(one);
  return text + (texts.empty() ? "]" : "\n ]");
}

/// One number where all are alike.
std::string numbers(const std::vector<double>& list) {
  const bool is_one = std::all_of(list.begin(), list.end(), [&](double number) { return number == list.front(); });
  return is_one ? fmt::format("{}", list.front()) : fmt::format("[{}]", fmt::join(list, ", "));
}

std::vector<double> of_channels(const ImportReport& report, double ImportedChannel::*member) {
  std::vector<double> list;
  for (const ImportedChannel& channel : report.channels) list.push_back(channel.*member);
  return list;
}

std::string split_text(const ImportOptions& options) {
  if (!options.split_column.empty()) return "column " + options.split_column;
  return fmt::format("{}, seed {}", options.split_by == SplitBy::kDevice ? "device" : "label", options.seed);
}

std::vector<std::string> names_of(const Survey& survey, const std::vector<std::size_t>& columns) {
  std::vector<std::string> names;
  names.reserve(columns.size());
  for (const std::size_t column : columns) names.push_back(survey.columns.names[column]);
  return names;
}

}  // namespace

std::size_t overlap_of(const RawLogOptions& raw) {
  if (raw.window == 0 || raw.stride == 0) return 0;
  return (raw.window + raw.stride - 1) / raw.stride - 1;
}

std::string description_of(const ImportReport& report, const ImportOptions& options, const Survey& survey,
                           const std::string& name) {
  std::vector<std::pair<const char*, std::string>> keys;
  const auto add = [&keys](const char* key, std::string value) { keys.emplace_back(key, std::move(value)); };
  add("name", json_text(name));
  add("records", std::to_string(report.windows));
  add("shape", fmt::format("[{}]", fmt::join(report.shape, ", ")));
  add("classes", std::to_string(report.classes.size()));
  add("clients", std::to_string(report.devices.size()));
  add("scale", numbers(of_channels(report, &ImportedChannel::scale)));
  add("offset", numbers(of_channels(report, &ImportedChannel::offset)));
  if (options.is_standardised) {
    add("channel_mean", numbers(of_channels(report, &ImportedChannel::mean)));
    add("channel_std", numbers(of_channels(report, &ImportedChannel::deviation)));
  }
  add("class_names", list_of(survey.labels.texts()));
  add("client_is", json_text(options.device_column));
  add("client_names", list_of(report.devices));
  if (!report.targets.empty()) {
    std::vector<std::string> targets;
    for (const ImportedTarget& target : report.targets) targets.push_back(target.name);
    add("target_names", list_of(targets));
  }
  add("columns", list_of(names_of(survey, survey.columns.values)));
  if (options.raw.window > 0) {
    add("overlap", std::to_string(overlap_of(options.raw)));
    add("stride", std::to_string(options.raw.stride > 0 ? options.raw.stride : options.raw.window));
    if (options.raw.rate_hz > 0) add("rate_hz", fmt::format("{}", options.raw.rate_hz));
  }
  add("split", R"({"0": "train", "1": "validation", "2": "test"})");
  add("split_by", json_text(split_text(options)));
  add("source", json_text(std::filesystem::path(options.csv_file).filename().string()));
  std::string text = "{";
  for (const auto& [key, value] : keys) text += fmt::format("{}\n \"{}\": {}", text.size() > 1 ? "," : "", key, value);
  return text + "\n}\n";
}

}  // namespace skink::simulations
