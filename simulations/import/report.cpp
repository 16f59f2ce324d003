#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "columns.hpp"
#include "skink/simulations/import.hpp"

namespace skink::simulations {
namespace {

constexpr const char* kSplitNames[kSplits] = {"train", "validation", "test"};
constexpr std::size_t kMostClasses = 20;

/// "1 device", "2 devices"
std::string counted(std::uint64_t count, const char* one, const char* more) {
  return fmt::format("{} {}", count, count == 1 ? one : more);
}
std::string windows(std::uint64_t count) { return counted(count, "window", "windows"); }
std::string devices(std::uint64_t count) { return counted(count, "device", "devices"); }
std::string classes(std::uint64_t count) { return counted(count, "class", "classes"); }

std::string classes_text(const ImportReport& report) {
  std::size_t width = 5;
  const std::size_t count = std::min(report.classes.size(), kMostClasses);
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
        "            support_size + query_size at most {} with group = \"class\", {} with \"client\"\n",
        kSplitNames[s], windows(split.windows), devices(split.devices), classes(split.classes), split.fewest_of_class,
        split.fewest_of_device);
  }
  return text;
}

std::string input_text(const std::vector<std::size_t>& shape) {
  if (shape.size() == 2) return fmt::format("[{}, {}, 1]", shape[0], shape[1]);
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

/// Training values of mean 0 and deviation 1.
std::string scaling_text(const ImportReport& report) {
  const double scale = report.train_deviation > 0 ? 1 / report.train_deviation : 1;
  return fmt::format("    input_scale = {:.9g}\n    input_offset = {:.9g}\n", scale, -report.train_mean * scale);
}

std::size_t most_ways(const ImportReport& report) {
  constexpr std::size_t kMostWays = 256;
  const std::size_t train = report.splits[0].classes;
  const std::size_t test = report.splits[2].classes;
  return std::min(kMostWays, test == 0 ? train : std::min(train, test));
}

}  // namespace

std::string to_text(const ImportReport& report, const ImportOptions& options) {
  const std::filesystem::path folder = std::filesystem::path(options.out_dir + "/").lexically_normal().parent_path();
  const std::string parent = folder.has_parent_path() ? folder.parent_path().string() : ".";
  std::string text =
      fmt::format("{}: {} of {}, {}, {}\n", options.csv_file, windows(report.windows),
                  counted(report.values, "value", "values"), devices(report.devices), classes(report.classes.size()));
  text += classes_text(report) + splits_text(report);
  text += fmt::format("\nvalues      {:.9g} .. {:.9g}\nstorage     {}, value = stored * {:.9g} + {:.9g}, {}\n",
                      report.min, report.max, report.storage, report.scale, report.offset,
                      report.largest_error > 0 ? fmt::format("off by {:.3g} at most", report.largest_error)
                                               : std::string("without loss"));
  text += fmt::format("written     {} ({} bytes of samples)\n", folder.string(), report.bytes);
  for (const std::string& warning : report.warnings) text += "warning: " + warning + "\n";
  text += fmt::format(
      "\nIn an experiment (docs/experiment.md):\n\n    [model]\n    input = {}\n{}    [task]\n    source = "
      "\"dataset\"\n"
      "    dataset = \"{}\"\n    ways = {}  # at most\n\nand run it with --data {}\n",
      input_text(report.shape), scaling_text(report), folder.filename().string(), most_ways(report), parent);
  return text;
}

}  // namespace skink::simulations
