#include "windower.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "cell_text.hpp"

namespace skink::simulations {
namespace {

constexpr double kLongStep = 1.5;  // periods; a longer one is a gap
constexpr std::uint32_t kMostRecordings = 65535;
constexpr double kStepsPerE = 2000;  // so the median step is exact to 0.03 %

}  // namespace

Windower::Windower(const ImportOptions& options, const Columns& columns)
    : options_(options),
      columns_(columns),
      window_(options.raw.window),
      stride_(options.raw.stride > 0 ? options.raw.stride : options.raw.window),
      horizons_(options.raw.horizons) {
  if (columns.targets.empty()) horizons_.clear();
  if (!columns.targets.empty() && horizons_.empty()) horizons_ = {1};
  if (!horizons_.empty()) farthest_ = *std::max_element(horizons_.begin(), horizons_.end());
  capacity_ = window_ + farthest_ + 1;  // and the reading before, whose label may differ
}

void Windower::note_step(double step_s) {
  if (step_s > 0) ++steps_[static_cast<int>(std::lround(std::log(step_s) * kStepsPerE))];
}

double Windower::median_step() const {
  std::uint64_t all = 0;
  for (const auto& [length, count] : steps_) all += count;
  std::uint64_t seen = 0;
  for (const auto& [length, count] : steps_) {
    seen += count;
    if (2 * seen >= all) return std::exp(length / kStepsPerE);
  }
  return 0;
}

/// What remains of a stretch: windows without a target, readings that fill no window.
void Windower::close(Stretch& stretch) {
  if (!stretch.is_open) return;
  stretch.is_open = false;
  while (stretch.looked < stretch.readings) look(stretch, false, nullptr);
  if (stretch.readings > stretch.covered) {
    ++counts_.leftovers;
    counts_.leftover_readings += stretch.readings - stretch.covered;
  }
  ++stretch.number;
}

Result<void> Windower::open(const RowReader& reading, Stretch& stretch) {
  if (stretch.number > kMostRecordings) {
    return reading.refuse(columns_.device, shown(reading.device()) + " has more than 65536 stretches without a gap" +
                                               (columns_.time ? "; is --rate or --time-unit right?" : ""));
  }
  ++counts_.recordings;
  stretch.is_open = true;
  stretch.readings = stretch.looked = stretch.run_begin = stretch.covered = 0;
  if (stretch.ring.empty()) stretch.ring.resize(capacity_);
  return {};
}

/// Another recording, or its first.
Result<void> Windower::change_recording(const RowReader& reading, Stretch& stretch) {
  close(stretch);
  const std::string name(reading.recording());
  if (stretch.recordings.count(name) > 0) {
    return reading.refuse(*columns_.recording, "recording " + shown(name) + " of device " + shown(reading.device()) +
                                                   " goes on after another one; sort the file by device and recording");
  }
  if (stretch.recordings.size() >= kMostRecordings) {
    return reading.refuse(*columns_.recording, "more than 65535 recordings of a device; is it the recording?");
  }
  if (stretch.has_begun) stretch.recordings.insert(stretch.recording);
  stretch.recording = name;
  return {};
}

Result<void> Windower::begin_reading(const RowReader& reading, Stretch& stretch) {
  const double time_s = reading.time_s();
  const bool is_other = columns_.recording && (!stretch.has_begun || reading.recording() != stretch.recording);
  if (is_other) {
    Result<void> changed = change_recording(reading, stretch);
    if (!changed) return changed;
  }
  if (!stretch.has_begun) stretch.first_time_s = stretch.last_time_s = time_s;
  if (columns_.time && stretch.has_begun) {
    const double step_s = time_s - stretch.last_time_s;
    if (step_s <= 0) {
      if (!columns_.recording) {
        return reading.refuse(
            *columns_.time, fmt::format("device {}: the time {} that of its reading before; sort the file by time, or "
                                        "name the column of recordings with --recording",
                                        shown(reading.device()), step_s == 0 ? "is" : "is before"));
      }
      close(stretch);
      stretch.shift_s += (options_.raw.rate_hz > 0 ? 1 / options_.raw.rate_hz : 0) - step_s;
    } else if (!is_other && stretch.is_open) {
      note_step(step_s);
      if (step_s > kLongStep / options_.raw.rate_hz) {
        ++counts_.gaps;
        close(stretch);
      }
    }
  }
  stretch.last_time_s = time_s;
  stretch.has_begun = true;
  return stretch.is_open ? Result<void>() : open(reading, stretch);
}

void Windower::push(const RowReader& reading, Stretch& stretch) {
  const auto [label, is_new] =
      label_numbers_.emplace(std::string(reading.label()), static_cast<std::uint32_t>(labels_.size()));
  if (is_new) labels_.push_back(label->first);
  Reading& kept = stretch.ring[stretch.readings % capacity_];
  kept.label = label->second;
  kept.split = reading.split();
  kept.time_s = reading.time_s() + stretch.shift_s;
  kept.values = reading.values();
  kept.targets = reading.targets();
  ++stretch.readings;
}

std::uint32_t Windower::label_of(const Stretch& stretch, std::uint64_t begin, std::uint64_t end) const {
  switch (options_.raw.label_rule) {
    case LabelRule::kLast: return at(stretch, end - 1).label;
    case LabelRule::kMajority: break;
    case LabelRule::kPure:
    case LabelRule::kFirst: return at(stretch, begin).label;
  }
  std::map<std::uint32_t, std::size_t> counts;
  for (std::uint64_t r = begin; r < end; ++r) ++counts[at(stretch, r).label];
  std::uint32_t best = at(stretch, begin).label;
  for (std::uint64_t r = begin; r < end; ++r) {
    if (counts[at(stretch, r).label] > counts[best]) best = at(stretch, r).label;
  }
  return best;
}

/// Is the next reading, `looked`, the last of a window? The readings that are its targets are there, unless the stretch
/// is over.
bool Windower::look(Stretch& stretch, bool has_target, Window* window) {
  const std::uint64_t last = stretch.looked++;
  if (last > stretch.run_begin) {
    const Reading& now = at(stretch, last);
    const Reading& before = at(stretch, last - 1);
    const bool is_other_label = options_.raw.label_rule == LabelRule::kPure && now.label != before.label;
    if (is_other_label || now.split != before.split) {
      counts_.mixed += last > stretch.covered ? 1 : 0;
      stretch.run_begin = stretch.covered = last;
    }
  }
  const std::uint64_t readings = last + 1 - stretch.run_begin;
  if (readings < window_ || (readings - window_) % stride_ != 0) return false;
  stretch.covered = last + 1;
  if (has_target && window != nullptr) return true;
  ++counts_.without_target;
  return false;
}

void Windower::fill(const Streams::value_type& stream, std::uint64_t end, Window& window) const {
  const Stretch& stretch = stream.second;
  const std::uint64_t begin = end - window_;
  window.label = labels_[label_of(stretch, begin, end)];
  window.device = stream.first;
  window.split = at(stretch, begin).split;
  window.time_s = at(stretch, begin).time_s - stretch.first_time_s;
  window.recording = static_cast<std::uint16_t>(stretch.number);
  window.values.clear();
  for (std::uint64_t r = begin; r < end; ++r) {
    const std::vector<double>& values = at(stretch, r).values;
    window.values.insert(window.values.end(), values.begin(), values.end());
  }
  window.targets.clear();
  for (std::size_t t = 0; t < columns_.targets.size(); ++t) {
    for (const std::size_t horizon : horizons_) window.targets.push_back(at(stretch, end - 1 + horizon).targets[t]);
  }
}

Result<bool> Windower::add(const RowReader& reading, Window& window) {
  ++counts_.readings;
  auto found = streams_.find(reading.device());
  if (found == streams_.end()) found = streams_.emplace(std::string(reading.device()), Stretch()).first;
  Stretch& stretch = found->second;
  if (!reading.is_complete()) {
    ++counts_.incomplete;
    close(stretch);
    return false;
  }
  const Result<void> begun = begin_reading(reading, stretch);
  if (!begun) return begun.error();
  push(reading, stretch);
  if (stretch.readings <= farthest_) return false;
  if (!look(stretch, true, &window)) return false;
  fill(*found, stretch.looked, window);
  return true;
}

void Windower::finish() {
  for (auto& [device, stretch] : streams_) close(stretch);
  counts_.median_step_s = median_step();
}

}  // namespace skink::simulations
