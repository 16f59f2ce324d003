#include "skink/host/experiment/input_range.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace skink {
namespace {

/// Of stored numbers, and of what the network sees of them.
struct Moments {
  double least = std::numeric_limits<double>::max();
  double most = std::numeric_limits<double>::lowest();
  double sum = 0;
  double squares = 0;
  double count = 0;

  void add(double stored, double scale, double offset) {
    const double input = stored * scale + offset;
    least = std::min(least, input);
    most = std::max(most, input);
    sum += stored;
    squares += stored * stored;
    count += 1;
  }

  InputRange range() const {
    InputRange range;
    range.least = least;
    range.most = most;
    range.stored_mean = sum / count;
    range.stored_deviation = std::sqrt(std::max(0.0, squares / count - range.stored_mean * range.stored_mean));
    return range;
  }
};

}  // namespace

InputRange input_range(const Experiment& experiment, const Dataset* dataset) {
  Moments stored;
  const std::vector<float>& scale = experiment.model.input_scale;
  const std::vector<float>& offset = experiment.model.input_offset;
  const auto add = [&](std::size_t place, double value) {
    stored.add(value, static_cast<double>(scale[place % scale.size()]),
               static_cast<double>(offset[place % offset.size()]));
  };
  if (dataset == nullptr) {
    constexpr int kSteps = 1000;  // inputs are drawn evenly
    const double low = static_cast<double>(experiment.task.input_min);
    const double width = static_cast<double>(experiment.task.input_max) - low;
    for (int i = 0; i <= kSteps; ++i) add(0, low + width * i / kSteps);
    return stored.range();
  }
  std::vector<float> sample(dataset->sample_size());
  for (std::size_t record = 0; record < dataset->record_count(); ++record) {
    if (dataset->split_of(record) != Split::kTrain) continue;
    dataset->read_stored(record, {sample.data(), sample.size()});
    for (std::size_t i = 0; i < sample.size(); ++i) add(i, static_cast<double>(sample[i]));
  }
  return stored.count > 0 ? stored.range() : InputRange();
}

std::optional<InputRange> target_range(const Experiment& experiment, const Dataset* dataset) {
  if (dataset == nullptr || objective_of(experiment) != Objective::kRegress) return std::nullopt;
  Moments stored;
  for (std::size_t record = 0; record < dataset->record_count(); ++record) {
    if (dataset->split_of(record) != Split::kTrain) continue;
    for (std::size_t output = 0; output < dataset->target_size(); ++output) {
      stored.add(static_cast<double>(dataset->target_of(record, output)),
                 static_cast<double>(experiment.task.target_scale), static_cast<double>(experiment.task.target_offset));
    }
  }
  if (stored.count == 0) return std::nullopt;
  return stored.range();
}

DataRanges data_ranges(const Experiment& experiment, const Dataset* dataset) {
  return {input_range(experiment, dataset), target_range(experiment, dataset)};
}

}  // namespace skink
