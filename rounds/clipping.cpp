#include "skink/rounds/clipping.hpp"

#include <algorithm>
#include <cmath>

namespace skink::rounds {
namespace {

constexpr double kLeastNorm = 1.0 / (1ULL << 40U);
constexpr double kMostNorm = 1ULL << 40U;
constexpr double kPace = 0.4;

}  // namespace

RunningNorm::RunningNorm(double beginning) : value_(std::clamp(beginning, kLeastNorm, kMostNorm)) {}

void RunningNorm::follow(std::uint32_t updates, std::uint32_t longer) {
  if (updates == 0) return;
  const double share = static_cast<double>(longer) / static_cast<double>(updates);
  const double factor = 1.0 + kPace * (share - 0.5);
  value_ = std::clamp(value_ * factor, kLeastNorm, kMostNorm);
}

bool RunningNorm::restore(double value) {
  if (!(value >= kLeastNorm && value <= kMostNorm)) return false;
  value_ = value;
  return true;
}

float clipping_factor(Span<const float> change, double clip_norm) {
  return clip_norm == 0 ? 1.0F : clipping_factor(add_squares(0, change), clip_norm);
}

double add_squares(double squares, Span<const float> numbers) {
  for (const float value : numbers) squares += static_cast<double>(value) * static_cast<double>(value);
  return squares;
}

float clipping_factor(double squares, double clip_norm) {
  if (clip_norm == 0) return 1.0F;
  const double norm = std::sqrt(squares);
  return norm > clip_norm ? static_cast<float>(clip_norm / norm) : 1.0F;
}

}  // namespace skink::rounds
