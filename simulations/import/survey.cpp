#include "survey.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "cell_number.hpp"
#include "cell_text.hpp"

namespace skink::simulations {
namespace {

Result<std::vector<std::size_t>> shape_of(const ImportOptions& options, std::size_t columns) {
  if (options.raw.window > 0) return std::vector<std::size_t>{options.raw.window, columns};
  if (options.shape.empty()) return std::vector<std::size_t>{columns};
  std::size_t product = 1;
  std::string text;
  for (const std::size_t extent : options.shape) {
    text += (text.empty() ? "" : "x") + std::to_string(extent);
    const bool is_good = extent > 0 && product <= std::numeric_limits<std::uint32_t>::max() / extent;
    product = is_good ? product * extent : 0;
  }
  if (product == columns) return options.shape;
  return make_error(Status::kInvalidArgument,
                    "--shape: " + text + " does not have the " + std::to_string(columns) + " values of a window");
}

Error no_windows(const ImportOptions& options, const RawLogCounts& raw) {
  std::string why = ": has no windows, only a header";
  if (raw.readings > 0) {
    why = fmt::format(
        ": no window of {} readings fits: {} readings in {} stretches without a gap ({} steps too long, {} "
        "readings incomplete), {} windows cut by a change of label or split, {} without a target",
        options.raw.window, raw.readings, raw.recordings, raw.gaps, raw.incomplete, raw.mixed, raw.without_target);
    if (raw.median_step_s > 0) {
      why += fmt::format("; the median step is {:.3g} s, {:.3g} readings a second: look at --rate and --time-unit",
                         raw.median_step_s, 1 / raw.median_step_s);
    }
  }
  return make_error(Status::kDamaged, options.csv_file + why);
}

/// When each device began.
class FirstTimes {
 public:
  void add(std::string_view device, double time_s) {
    const auto found = times_.find(device);
    if (found == times_.end()) {
      times_.emplace(std::string(device), time_s);
    } else {
      found->second = std::min(found->second, time_s);
    }
  }
  std::vector<double> of(const Names& devices) const {
    std::vector<double> times;
    for (const std::string& device : devices.texts()) times.push_back(times_.find(device)->second);
    return times;
  }

 private:
  std::map<std::string, double, std::less<>> times_;
};

}  // namespace

Result<Survey> survey(const ImportOptions& options, const Watch& watch) {
  auto reader = WindowReader::open(options, watch);
  if (!reader) return reader.error();
  const RowReader& rows = reader->rows();
  Survey found;
  found.columns = rows.columns();
  auto shape = shape_of(options, found.columns.values.size());
  if (!shape) return shape.error();
  found.shape = std::move(*shape);
  found.channels.resize(found.shape.back());
  FirstTimes times;
  while (true) {
    const Result<bool> has_window = reader->next();
    if (!has_window) return has_window.error();
    if (!*has_window) break;
    const Window& window = reader->window();
    const std::string limit = "more than 65536 different texts; is it the ";
    if (!found.labels.add(window.label)) return rows.refuse(*found.columns.label, limit + "label?");
    if (!found.devices.add(window.device)) return rows.refuse(found.columns.device, limit + "device?");
    times.add(window.device, window.time_s);
    found.values = window.values.size();
    for (std::size_t v = 0; v < found.values; ++v) found.channels[v % found.channels.size()].add(window.values[v]);
    ++found.windows;
  }
  found.raw = reader->counts();
  if (found.windows == 0) return no_windows(options, found.raw);
  found.labels.number();
  found.devices.number();
  found.first_times_s = times.of(found.devices);
  if (options.raw.window > 0) std::fill(found.first_times_s.begin(), found.first_times_s.end(), 0);
  found.empty_rows = rows.empty_rows();
  found.notes = rows.suspects().notes(found.columns);
  if (options.raw.window == 0 && options.shape.empty() && is_series(found.columns)) {
    found.notes.push_back(
        fmt::format("columns {} .. {} have a scale each; if they are readings of one channel: --shape {}x1",
                    shown(found.columns.names[found.columns.values.front()]),
                    shown(found.columns.names[found.columns.values.back()]), found.values));
  }
  const auto passed_over = [&found](std::uint64_t rows_passed, const char* what) {
    if (rows_passed > 0) found.notes.push_back(fmt::format("{}: {} passed over", what, rows_passed));
  };
  passed_over(rows.repeated_headers(), "rows that repeat the header, as in files put one after another");
  passed_over(found.empty_rows, "rows of separators alone");
  found.warnings = rows.suspects().warnings(found.columns);
  for (const std::string& label : found.labels.texts()) {
    if (!found.columns.label || !is_missing(label)) continue;
    found.warnings.push_back("label " + shown(label) +
                             " is a class here; if it says that there is none, leave those rows out");
  }
  return found;
}

}  // namespace skink::simulations
