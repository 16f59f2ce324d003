#pragma once
/// @file
/// Rational activations for naive.hpp.

#include "naive_layer.hpp"

namespace skink::test {

/// A rational activation at one number: r = p / q with q = 1 + |s|.
struct NaiveRational {
  float p = 0;
  float s = 0;
  float q = 0;

  NaiveRational(const NaiveLayer& layer, const Numbers& w, float x) {
    p = ((w[layer.w + 3] * x + w[layer.w + 2]) * x + w[layer.w + 1]) * x + w[layer.w];
    s = (w[layer.b + 1] * x + w[layer.b]) * x;
    q = 1.0F + (0.0F > s ? 0.0F - s : s);
  }
  /// The factor of the gradients of b1 and b2.
  float denominator_gradient(float e) const {
    const float f = e * (p / q);
    if (s > 0.0F) return 0.0F - f;
    return 0.0F > s ? f : 0.0F;
  }
};

inline float naive_rational_backward(const NaiveLayer& layer, const Numbers& w, float x, float d) {
  const NaiveRational at(layer, w, x);
  const float e = d / at.q;
  const float slope = ((3.0F * w[layer.w + 3]) * x + (w[layer.w + 2] + w[layer.w + 2])) * x + w[layer.w + 1];
  const float inner_slope = (w[layer.b + 1] + w[layer.b + 1]) * x + w[layer.b];
  return e * slope + at.denominator_gradient(e) * inner_slope;
}

/// Adds to the gradients of all coefficients.
inline void naive_rational_gradient(const NaiveLayer& layer, const Numbers& w, const Numbers& x, const Numbers& d,
                                    Numbers& gradient) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    const NaiveRational at(layer, w, x[i]);
    const float e = d[i] / at.q;
    const float h = at.denominator_gradient(e) * x[i];
    gradient[layer.w] = gradient[layer.w] + e;
    gradient[layer.w + 1] = gradient[layer.w + 1] + e * x[i];
    gradient[layer.w + 2] = gradient[layer.w + 2] + (e * x[i]) * x[i];
    gradient[layer.w + 3] = gradient[layer.w + 3] + ((e * x[i]) * x[i]) * x[i];
    gradient[layer.b] = gradient[layer.b] + h;
    gradient[layer.b + 1] = gradient[layer.b + 1] + h * x[i];
  }
}

}  // namespace skink::test
