#pragma once
/// @file
/// A trainable activation, one for all numbers of a layer. Orders and in-place rules: all_kernels.hpp. Source: Molina,
/// Schramowski, Kersting, "Pade Activation Units", arXiv:1907.06732: a quotient of polynomials whose denominator is
/// kept above 0 by an absolute value. Here of degrees 3 and 2:
///
///   r(x) = (a0 + a1 x + a2 x^2 + a3 x^3) / (1 + |b1 x + b2 x^2|)

#include "skink/common/nn/kernels/activation.hpp"

namespace skink::nn::kernels {

/// ((a3 x + a2) x + a1) x + a0, and s = (b2 x + b1) x; the denominator is 1 + |s|. a[4], b[2].
template <class Real>
struct RationalParts {
  Real numerator;
  Real inner;
  Real denominator;

  /// The parts at x; nothing is kept of a and b.
  RationalParts(const Real* a, const Real* b, Real x) noexcept {
    using T = RealTraits<Real>;
    numerator = ((a[3] * x + a[2]) * x + a[1]) * x + a[0];
    inner = (b[1] * x + b[0]) * x;
    const Real zero = T::broadcast(0.0F);
    const Real magnitude = T::select(T::greater(zero, inner), zero - inner, inner);
    denominator = T::broadcast(1.0F) + magnitude;
  }
};

/// y[i] = r(x[i]), i < count. a[4]: numerator; b[2]: denominator. y may be x.
template <class Real>
void rational_forward(const Real* a, const Real* b, const Real* x, Real* y, size_t count) noexcept {
  for (size_t i = 0; i < count; ++i) {
    const RationalParts<Real> parts(a, b, x[i]);
    y[i] = parts.numerator / parts.denominator;
  }
}

/// With e = d / q and f = e * r, and h = -f, f or 0 for s above, below or at 0 (q = 1 + |s|):
///
///   dx = e * ((3 a3 x + 2 a2) x + a1) + h * (2 b2 x + b1)
///   gradient of a_k: sum of e x^k; of b_k: sum of h x^k; over the numbers ascending, from 0
template <class Real>
void rational_backward(const Real* a, const Real* b, Real* x, const Real* d, size_t count,
                       const Update<Real>& update) noexcept {
  using T = RealTraits<Real>;
  const Real zero = T::broadcast(0.0F);
  Real sums[6] = {zero, zero, zero, zero, zero, zero};  // a0..a3, b1, b2
  for (size_t i = 0; i < count; ++i) {
    const Real value = x[i];
    const RationalParts<Real> parts(a, b, value);
    const Real e = d[i] / parts.denominator;
    const Real f = e * (parts.numerator / parts.denominator);
    const Real below = T::select(T::greater(zero, parts.inner), f, zero);
    const Real h = T::select(T::greater(parts.inner, zero), zero - f, below);
    Real term = e;
    for (size_t k = 0; k < 4; ++k, term = term * value) sums[k] += term;
    term = h * value;
    sums[4] += term;
    sums[5] += term * value;
    if (!update.propagates) continue;
    const Real slope = ((T::broadcast(3.0F) * a[3]) * value + (a[2] + a[2])) * value + a[1];
    const Real inner_slope = (b[1] + b[1]) * value + b[0];
    x[i] = through_activation(update.in_activation, value, e * slope + h * inner_slope);
  }
  if (update.weights != nullptr) add_scaled(update.weights, sums, update.scale, 4);
  if (update.bias != nullptr) add_scaled(update.bias, sums + 4, update.scale, 2);
}

}  // namespace skink::nn::kernels
