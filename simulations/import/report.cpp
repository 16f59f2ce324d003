#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "cell_text.hpp"
#include "description.hpp"
#include "import_options.hpp"
#include "skink/simulations/import.hpp"

namespace skink::simulations {
namespace {

constexpr const char* kSplitNames[kSplits] = {"train", "validation", "test"};
constexpr std::size_t kMostRows = 20;

/// "1 device", "2 devices"
std::string counted(std::uint64_t count, const char* one, const char* more) {
  return fmt::format("{} {}", count, count == 1 ? one : more);
}
std::string windows(std::uint64_t count) { return counted(count, "window", "windows"); }
std::string devices(std::uint64_t count) { return counted(count, "device", "devices"); }
std::string classes(std::uint64_t count) { return counted(count, "class", "classes"); }
std::string readings(std::uint64_t count) { return counted(count, "reading", "readings"); }

std::string classes_text(const ImportReport& report) {
  std::size_t width = 5;
  const std::size_t count = std::min(report.classes.size(), kMostRows);
  for (std::size_t c = 0; c < count; ++c) width = std::max(width, shown(report.classes[c].name).size());
  std::string text =
      fmt::format("\n  number  {:<{}}  {:>8}  {:>10}  {:>8}\n", "class", width, "train", "validation", "test");
  for (std::size_t c = 0; c < count; ++c) {
    const ImportedClass& one = report.classes[c];
    text += fmt::format("  {:>6}  {:<{}}  {:>8}  {:>10}  {:>8}\n", c, shown(one.name), width, one.windows[0],
                        one.windows[1], one.windows[2]);
  }
  if (count < report.classes.size()) text += fmt::format("  and {} more classes\n", report.classes.size() - count);
  return text;
}

std::string splits_text(const ImportReport& report) {
  std::string text = "\n";
  for (std::size_t s = 0; s < kSplits; ++s) {
    const ImportedSplit& split = report.splits[s];
    if (split.windows == 0) continue;
    text += fmt::format(
        "{:<12}{}, {}, {}\n"
        "            the rarest class has {}; a device has at least {} ({}), {} of each of its classes, {}\n",
        kSplitNames[s], windows(split.windows), devices(split.devices), classes(split.classes), split.fewest_of_class,
        windows(split.poorest_windows), shown(report.devices[split.poorest_device]), split.fewest_of_device,
        classes(split.fewest_classes));
  }
  return text;
}

std::string channels_text(const ImportReport& report) {
  std::size_t width = 7;
  const std::size_t count = std::min(report.channels.size(), kMostRows);
  for (std::size_t c = 0; c < count; ++c) width = std::max(width, shown(report.channels[c].name).size());
  std::string text = fmt::format("\n  {:<{}}  {:>11}  {:>11}  {:>11}  {:>11}  {:>9}\n", "channel", width, "least",
                                 "most", "mean", "deviation", "off by");
  for (std::size_t c = 0; c < count; ++c) {
    const ImportedChannel& one = report.channels[c];
    text += fmt::format("  {:<{}}  {:>11.5g}  {:>11.5g}  {:>11.5g}  {:>11.5g}  {:>9.2g}\n", shown(one.name), width,
                        one.min, one.max, one.mean, one.deviation, one.largest_error);
  }
  if (count < report.channels.size()) text += fmt::format("  and {} more channels\n", report.channels.size() - count);
  return text + "  mean and deviation are of the training split, off by: of what is stored, at most\n";
}

std::string targets_text(const ImportReport& report) {
  std::string text = report.targets.empty() ? "" : "\n";
  for (const ImportedTarget& target : report.targets) {
    text += fmt::format("target      {}, training mean {:.5g}, deviation {:.5g}\n", shown(target.name), target.mean,
                        target.deviation);
  }
  return text;
}

std::string raw_text(const ImportReport& report, const ImportOptions& options) {
  const RawLogCounts& raw = report.raw;
  if (options.raw.window == 0) return "";
  std::string text =
      fmt::format("readings    {} in {} without a gap", raw.readings, counted(raw.recordings, "stretch", "stretches"));
  if (options.raw.rate_hz > 0) text += fmt::format(", {:.6g} a second stated", options.raw.rate_hz);
  if (raw.median_step_s > 0) text += fmt::format(", {:.3g} measured", 1 / raw.median_step_s);
  text += fmt::format(
      "\n            {} in time too long, {} with an empty cell: no window goes over them\n"
      "            {} in {} fill no window, {} given up where the label changes{}\n",
      counted(raw.gaps, "step", "steps"), readings(raw.incomplete), readings(raw.leftover_readings),
      counted(raw.leftovers, "leftover", "leftovers"), windows(raw.mixed),
      report.targets.empty() ? "" : fmt::format(", {} without a target", windows(raw.without_target)));
  text += fmt::format("windows     of {}, one every {}; each shares readings with {} after it\n",
                      readings(options.raw.window), options.raw.stride > 0 ? options.raw.stride : options.raw.window,
                      overlap_of(options.raw));
  return text;
}

std::string storage_text(const ImportReport& report) {
  const auto is_plain = [](const ImportedChannel& one) { return one.scale == 1 && one.offset == 0; };
  const auto is_exact = [](const ImportedChannel& one) { return one.largest_error == 0; };
  const auto& channels = report.channels;
  std::string how = "as they are";
  if (!std::all_of(channels.begin(), channels.end(), is_plain)) {
    how = channels.size() == 1 ? fmt::format("value = stored * {:.9g} + {:.9g}", channels[0].scale, channels[0].offset)
                               : "value = stored * scale + offset, of each channel (dataset.json)";
  }
  const bool has_loss = !std::all_of(channels.begin(), channels.end(), is_exact);
  return fmt::format("storage     {}, {}{}\n", report.storage, how, has_loss ? "" : ", without loss");
}

std::string input_text(const std::vector<std::size_t>& shape) {
  if (shape.size() == 2 && shape[1] == 1) return fmt::format("[{}]  # or [{}, 1] before conv1d", shape[0], shape[0]);
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

/// input = given * scale + offset, of mean 0 and deviation 1, within what an experiment allows.
struct Scaling {
  std::vector<double> scale;
  std::vector<double> offset;

  /// @param[in] unit, zero  value = given * unit + zero
  void add(const ImportedChannel& channel, double unit, double zero) {
    constexpr double kMost = 1e9;
    double factor = channel.deviation > 0 ? 1 / channel.deviation : 1;
    const double distance = std::abs(zero - channel.mean);
    factor = std::min(factor, kMost / std::max(std::abs(unit), distance));
    scale.push_back(unit * factor);
    offset.push_back((zero - channel.mean) * factor);
  }

  static std::string list(const std::vector<double>& numbers) {
    std::vector<std::string> texts;
    texts.reserve(numbers.size());
    for (const double number : numbers) texts.push_back(fmt::format("{:.9g}", number));
    return texts.size() == 1 ? texts[0] : fmt::format("[{}]", fmt::join(texts, ", "));
  }
};

Scaling of_stored(const ImportReport& report, const ImportOptions& options) {
  Scaling scaling;
  if (!options.is_standardised) {
    for (const ImportedChannel& one : report.channels) scaling.add(one, one.scale, one.offset);
    return scaling;
  }
  for (const ImportedChannel& one : report.channels) {
    scaling.scale.push_back(one.scale);
    scaling.offset.push_back(one.offset);
  }
  const bool is_plain = std::string_view(report.storage) == "float32";
  if (is_plain) return {{1.0}, {0.0}};
  return scaling;
}

/// What a device does with its readings.
std::string device_text(const ImportReport& report, const ImportOptions& options) {
  const auto is_plain = [](const ImportedChannel& one) { return one.scale == 1 && one.offset == 0; };
  const bool is_as_it_is = std::all_of(report.channels.begin(), report.channels.end(), is_plain);
  if (is_as_it_is && !options.is_standardised) return "On devices, samples are readings as they are.\n";
  const char* how = options.is_standardised ? "(reading - channel_mean) / channel_std" : "(reading - offset) / scale";
  if (options.is_standardised && !is_as_it_is) how = "((reading - channel_mean) / channel_std - offset) / scale";
  std::string text = fmt::format(
      "On devices, samples are what is stored: {} of each channel, with the numbers of dataset.json.\n", how);
  if (report.channels.size() > kMostRows) return text;
  Scaling scaling;
  for (const ImportedChannel& one : report.channels) scaling.add(one, 1, 0);
  text +=
      fmt::format("With --storage float32{} they are readings as they are, of scale {} and offset {}.\n",
                  options.is_standardised ? " alone" : "", Scaling::list(scaling.scale), Scaling::list(scaling.offset));
  return text;
}

/// Of [task], for targets: what the network learns has a mean of about 0 and a deviation of about 1.
std::string target_lines(const ImportReport& report, const ImportOptions& options) {
  const std::vector<ImportedTarget>& targets = report.targets;
  if (targets.empty() || !options.label_column.empty()) return "";
  double mean = 0;
  double deviation = 0;
  for (const ImportedTarget& target : targets) {
    mean += target.mean / static_cast<double>(targets.size());
    deviation = std::max(deviation, target.deviation);
  }
  const double scale = deviation > 0 ? 1 / deviation : 1;
  std::string text = fmt::format("    target_scale = {:.6g}\n    target_offset = {:.6g}\n", scale, 0 - mean * scale);
  const auto is_forecast = [](const ImportedTarget& target) { return target.channel.has_value(); };
  if (options.is_standardised || !std::all_of(targets.begin(), targets.end(), is_forecast)) return text;
  std::vector<std::size_t> channels;
  channels.reserve(targets.size());
  for (const ImportedTarget& target : targets) channels.push_back(*target.channel);
  return text + fmt::format("    persistence = [{}]\n", fmt::join(channels, ", "));
}

std::string advice_text(const ImportReport& report, const ImportOptions& options) {
  const std::filesystem::path folder = cleaned_folder(options.out_dir);
  const std::string parent = folder.has_parent_path() ? folder.parent_path().string() : ".";
  const std::size_t classes = report.classes.size();
  const Scaling scaling = of_stored(report, options);
  const std::string outputs =
      options.label_column.empty()
          ? fmt::format("# the last layer has {}, for the targets", counted(report.targets.size(), "unit", "units"))
          : fmt::format("# the last layer has {}, one for each class", counted(classes, "unit", "units"));
  return fmt::format(
      "\nIn an experiment (docs/experiment.md):\n\n    [model]\n    input = {}\n    input_scale = {}\n    input_offset "
      "= {}\n    {}\n    [task]\n"
      "    source = \"dataset\"\n    dataset = \"{}\"\n{}\nand run it with --data {}\n",
      input_text(report.shape), Scaling::list(scaling.scale), Scaling::list(scaling.offset), outputs,
      folder.filename().string(), target_lines(report, options), parent);
}

}  // namespace

std::string to_text(const ImportReport& report, const ImportOptions& options) {
  std::string text = fmt::format("{}: {} of {}, {}, {}\n", options.csv_file, windows(report.windows),
                                 counted(report.values, "value", "values"), devices(report.devices.size()),
                                 classes(report.classes.size()));
  text += raw_text(report, options) + classes_text(report) + splits_text(report) + channels_text(report) +
          targets_text(report) + "\n" + storage_text(report);
  text += fmt::format("written     {} ({} bytes of samples)\n", cleaned_folder(options.out_dir), report.bytes);
  for (const std::string& note : report.notes) text += "note: " + note + "\n";
  for (const std::string& warning : report.warnings) text += "warning: " + warning + "\n";
  return text + advice_text(report, options) + device_text(report, options);
}

}  // namespace skink::simulations
