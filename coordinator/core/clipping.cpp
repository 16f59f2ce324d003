#include "skink/coordinator/core/clipping.hpp"

#include <cmath>

namespace skink::coordinator {

float clipping_factor(Span<const float> change, double clip_norm) {
  if (clip_norm == 0) return 1.0F;
  double squares = 0;
  for (const float value : change) squares += static_cast<double>(value) * static_cast<double>(value);
  const double norm = std::sqrt(squares);
  return norm > clip_norm ? static_cast<float>(clip_norm / norm) : 1.0F;
}

}  // namespace skink::coordinator
