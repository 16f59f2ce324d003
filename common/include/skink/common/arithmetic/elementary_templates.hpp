#pragma once
/// @file
/// exp, log, tanh, sin and cos from additions, multiplications, divisions and exponent bits only, so that every target
/// gives the same bits. Constants and order: docs/arithmetic.md, section 3. The polynomials are those of Moshier's
/// Cephes library (single precision). `Real` is float or a vector of lanes; each lane is computed by itself. No
/// function fails: an argument outside a domain gives the value stated here. Include from .cpp files only: headers do
/// not carry the compiler flags.

#include "skink/common/arithmetic/real.hpp"

namespace skink::arithmetic::generic {

/// Adding and subtracting 1.5 * 2^23 rounds to the nearest integer, half to even, for |x| < 2^22.
inline constexpr float kRoundingConstant = 12582912.0F;

/// x limited to [low, high], low <= high; NaN gives `low`.
template <class Real>
Real clamp(Real x, float low, float high) noexcept {
  using T = RealTraits<Real>;
  // The comparisons are written so that NaN becomes `low`: conversions to integers below stay defined.
  x = T::select(T::greater(x, T::broadcast(low)), x, T::broadcast(low));
  return T::select(T::greater(T::broadcast(high), x), x, T::broadcast(high));
}

/// e^x, x clamped to [-87, 88]; NaN counts as -87. Relative error below 2e-7.
template <class Real>
Real exp(Real argument) noexcept {
  using T = RealTraits<Real>;
  const Real x = clamp(argument, -87.0F, 88.0F);
  const Real n = (x * T::broadcast(1.44269504F) + T::broadcast(kRoundingConstant)) - T::broadcast(kRoundingConstant);
  Real r = x - n * T::broadcast(0.693359375F);
  r = r - n * T::broadcast(-2.12194440e-4F);
  Real p = T::broadcast(1.9875691500e-4F);
  p = p * r + T::broadcast(1.3981999507e-3F);
  p = p * r + T::broadcast(8.3334519073e-3F);
  p = p * r + T::broadcast(4.1665795894e-2F);
  p = p * r + T::broadcast(1.6666665459e-1F);
  p = p * r + T::broadcast(5.0000001201e-1F);
  p = (p * (r * r) + r) + T::broadcast(1.0F);
  return p * T::power_of_two(n);
}

/// Natural logarithm, x clamped to [2^-126, largest finite float]; NaN counts as 2^-126. Relative error below 2e-7
/// (absolute 1e-7 near 1).
template <class Real>
Real log(Real argument) noexcept {
  using T = RealTraits<Real>;
  const Real x = clamp(argument, 1.17549435e-38F, 3.40282347e+38F);
  Real mantissa;
  Real e;
  T::split(x, mantissa, e);
  const auto small = T::greater(T::broadcast(0.707106781F), mantissa);
  e = T::select(small, e - T::broadcast(1.0F), e);
  const Real m = T::select(small, mantissa + mantissa, mantissa) - T::broadcast(1.0F);
  const Real z = m * m;
  Real p = T::broadcast(7.0376836292e-2F);
  p = p * m + T::broadcast(-1.1514610310e-1F);
  p = p * m + T::broadcast(1.1676998740e-1F);
  p = p * m + T::broadcast(-1.2420140846e-1F);
  p = p * m + T::broadcast(1.4249322787e-1F);
  p = p * m + T::broadcast(-1.6668057665e-1F);
  p = p * m + T::broadcast(2.0000714765e-1F);
  p = p * m + T::broadcast(-2.4999993993e-1F);
  p = p * m + T::broadcast(3.3333331174e-1F);
  Real y = (p * m) * z;
  y = y + e * T::broadcast(-2.12194440e-4F);
  y = y - T::broadcast(0.5F) * z;
  return (m + y) + e * T::broadcast(0.693359375F);
}

/// tanh for |x| < 0.625: x + x^3 P(x^2), P of degree 4.
template <class Real>
Real tanh_near_zero(Real x) noexcept {
  using T = RealTraits<Real>;
  const Real z = x * x;
  Real p = T::broadcast(-5.70498872745e-3F);
  p = p * z + T::broadcast(2.06390887954e-2F);
  p = p * z + T::broadcast(-5.37397155531e-2F);
  p = p * z + T::broadcast(1.33314422036e-1F);
  p = p * z + T::broadcast(-3.33332819422e-1F);
  return (p * z) * x + x;
}

/// Hyperbolic tangent of any x; NaN gives -1. Relative error below 3e-7. Branches on whether all lanes are small, which
/// changes the cost but no bit.
template <class Real>
Real tanh(Real x) noexcept {
  using T = RealTraits<Real>;
  const auto negative = T::greater(T::broadcast(0.0F), x);
  const Real magnitude = T::select(negative, T::broadcast(0.0F) - x, x);
  // Optimization: what no lane needs is not computed; a small argument costs a third of the instructions.
  const auto is_small = T::greater(T::broadcast(0.625F), magnitude);
  if (T::all(is_small)) return tanh_near_zero(x);
  // Others: 1 - 2 / (exp(2|x|) + 1); the denominator is at least 2.
  const Real e = exp(magnitude + magnitude);
  const Real far = T::broadcast(1.0F) - T::broadcast(2.0F) / (e + T::broadcast(1.0F));
  const Real signed_far = T::select(negative, T::broadcast(0.0F) - far, far);
  return T::none(is_small) ? signed_far : T::select(is_small, tanh_near_zero(x), signed_far);
}

/// Reduces an angle in radians by multiples of pi/2 (three-part constant, exact products): x = r + n * pi/2. An angle
/// that is not within (-8192.5, 8192.5), or is NaN, counts as 0.
///
/// @param[out] r         |r| at most about pi/4.
/// @param[out] quadrant  n mod 4: 0, 1, 2 or 3.
template <class Real>
void reduce_angle(Real x, Real& r, Real& quadrant) noexcept {
  using T = RealTraits<Real>;
  const auto inside = T::both(T::greater(x, T::broadcast(-8192.5F)), T::greater(T::broadcast(8192.5F), x));
  const Real a = T::select(inside, x, T::broadcast(0.0F));
  const Real n = (a * T::broadcast(0.636619772F) + T::broadcast(kRoundingConstant)) - T::broadcast(kRoundingConstant);
  r = ((a - n * T::broadcast(1.5703125F)) - n * T::broadcast(4.837512969970703125e-4F)) -
      n * T::broadcast(7.54978995489188216e-8F);
  // n modulo 4 in 0..3: n - 4 * floor(n / 4), all exact.
  const Real quarter = n * T::broadcast(0.25F);
  const Real nearest = (quarter + T::broadcast(kRoundingConstant)) - T::broadcast(kRoundingConstant);
  const Real floor = T::select(T::greater(nearest, quarter), nearest - T::broadcast(1.0F), nearest);
  quadrant = n - floor * T::broadcast(4.0F);
}

/// Sine of a reduced angle, |r| at most about pi/4: r + r^3 S(r^2), S of degree 2.
template <class Real>
Real sine_polynomial(Real r) noexcept {
  using T = RealTraits<Real>;
  const Real z = r * r;
  Real p = T::broadcast(-1.9515295891e-4F);
  p = p * z + T::broadcast(8.3321608736e-3F);
  p = p * z + T::broadcast(-1.6666654611e-1F);
  return (p * z) * r + r;
}

/// Cosine of a reduced angle, |r| at most about pi/4: 1 - r^2/2 + r^4 C(r^2), C of degree 2.
template <class Real>
Real cosine_polynomial(Real r) noexcept {
  using T = RealTraits<Real>;
  const Real z = r * r;
  Real p = T::broadcast(2.443315711809948e-5F);
  p = p * z + T::broadcast(-1.388731625493765e-3F);
  p = p * z + T::broadcast(4.166664568298827e-2F);
  return ((p * z) * z - T::broadcast(0.5F) * z) + T::broadcast(1.0F);
}

/// sin(x) for `shift` 0, cos(x) for `shift` 1: cos(x) = sin(x + pi/2), one quadrant further.
template <class Real>
Real sine_or_cosine(Real x, float shift) noexcept {
  using T = RealTraits<Real>;
  Real r;
  Real quadrant;
  reduce_angle(x, r, quadrant);
  quadrant = quadrant + T::broadcast(shift);
  quadrant = T::select(T::greater(quadrant, T::broadcast(3.5F)), quadrant - T::broadcast(4.0F), quadrant);
  const auto odd = T::invert(
      T::both(T::invert(T::equal(quadrant, T::broadcast(1.0F))), T::invert(T::equal(quadrant, T::broadcast(3.0F)))));
  const Real value = T::select(odd, cosine_polynomial(r), sine_polynomial(r));
  const auto negative = T::greater(quadrant, T::broadcast(1.5F));
  return T::select(negative, T::broadcast(0.0F) - value, value);
}

/// Sine and cosine of x radians, |x| <= 8192: absolute error below 3e-7. Beyond 8192.5, and for NaN: sin 0 and cos 1.
template <class Real>
Real sin(Real x) noexcept {
  return sine_or_cosine(x, 0.0F);
}
template <class Real>
Real cos(Real x) noexcept {
  return sine_or_cosine(x, 1.0F);
}

}  // namespace skink::arithmetic::generic
