#include "skink/common/features/window_statistics.hpp"

#include "skink/common/arithmetic/elementary.hpp"

namespace skink::features {
namespace {

float deviation_of(Span<const float> x) noexcept {
  const float mean = mean_of(x);
  float sum = 0;
  for (const float value : x) {
    const float t = value - mean;
    sum += t * t;
  }
  return arithmetic::sqrt(sum / static_cast<float>(x.size()));
}

float energy_of(Span<const float> x) noexcept {
  float sum = 0;
  for (const float value : x) sum += value * value;
  return sum / static_cast<float>(x.size());
}

float least_of(Span<const float> x) noexcept {
  float least = x[0];
  for (const float value : x) least = least > value ? value : least;
  return least;
}

float greatest_of(Span<const float> x) noexcept {
  float greatest = x[0];
  for (const float value : x) greatest = value > greatest ? value : greatest;
  return greatest;
}

float step_of(Span<const float> x) noexcept {
  float sum = 0;
  for (size_t i = 1; i < x.size(); ++i) {
    const float t = x[i] - x[i - 1];
    sum += 0.0F > t ? 0.0F - t : t;
  }
  return sum / static_cast<float>(x.size() - 1);
}

float statistic_of(Span<const float> x, uint8_t which) noexcept {
  switch (which) {
    case kMean: return mean_of(x);
    case kDeviation: return deviation_of(x);
    case kEnergy: return energy_of(x);
    case kRms: return arithmetic::sqrt(energy_of(x));
    case kLeast: return least_of(x);
    case kGreatest: return greatest_of(x);
    default: return step_of(x);
  }
}

}  // namespace

size_t statistic_count(uint8_t mask) noexcept {
  size_t count = 0;
  for (uint8_t bits = mask & kAllStatistics; bits != 0; bits = static_cast<uint8_t>(bits & (bits - 1))) ++count;
  return count;
}

float mean_of(Span<const float> x) noexcept {
  float sum = 0;
  for (const float value : x) sum += value;
  return sum / static_cast<float>(x.size());
}

Status statistics(Span<const float> x, uint8_t mask, Span<float> out) noexcept {
  if (mask == 0 || (mask & ~kAllStatistics) != 0) return Status::kInvalidArgument;
  if (x.size() < 2 || out.size() != statistic_count(mask)) return Status::kShapeMismatch;
  size_t written = 0;
  for (uint8_t bit = 1; bit <= kStep; bit = static_cast<uint8_t>(bit << 1U)) {
    if ((mask & bit) != 0) out[written++] = statistic_of(x, bit);
  }
  return Status::kOk;
}

}  // namespace skink::features
