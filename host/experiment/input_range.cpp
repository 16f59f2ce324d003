#include "skink/host/experiment/input_range.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace skink {
namespace {

/// Of stored numbers.
struct Moments {
  double least = std::numeric_limits<double>::max();
  double most = std::numeric_limits<double>::lowest();
  double sum = 0;
  double squares = 0;
  double count = 0;

  void add(double value) {
    least = std::min(least, value);
    most = std::max(most, value);
    sum += value;
    squares += value * value;
    count += 1;
  }
};

InputRange range_of(const Moments& stored, const ModelConfig& model) {
  const double scale = static_cast<double>(model.input_scale);
  const double offset = static_cast<double>(model.input_offset);
  const double a = stored.least * scale + offset;
  const double b = stored.most * scale + offset;
  InputRange range;
  range.least = std::min(a, b);
  range.most = std::max(a, b);
  range.stored_mean = stored.sum / stored.count;
  const double variance = stored.squares / stored.count - range.stored_mean * range.stored_mean;
  range.stored_deviation = std::sqrt(std::max(0.0, variance));
  return range;
}

}  // namespace

InputRange input_range(const Experiment& experiment, const Dataset* dataset) {
  Moments stored;
  if (dataset == nullptr) {
    constexpr int kSteps = 1000;  // inputs are drawn evenly
    const double low = static_cast<double>(experiment.task.input_min);
    const double width = static_cast<double>(experiment.task.input_max) - low;
    for (int i = 0; i <= kSteps; ++i) stored.add(low + width * i / kSteps);
    return range_of(stored, experiment.model);
  }
  std::vector<float> sample(dataset->sample_size());
  for (std::size_t record = 0; record < dataset->record_count(); ++record) {
    if (dataset->split_of(record) != Split::kTrain) continue;
    dataset->read_stored(record, {sample.data(), sample.size()});
    for (const float value : sample) stored.add(static_cast<double>(value));
  }
  return stored.count > 0 ? range_of(stored, experiment.model) : InputRange();
}

}  // namespace skink
