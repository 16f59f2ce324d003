#include "skink/rounds/clipping.hpp"

#include <cmath>

namespace skink::rounds {

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
