#pragma once
/// @file
/// The project's own elementary functions: the same bits on every target (libm's differ). Specification with the exact
/// constants: docs/arithmetic.md, section 3. Pure, re-entrant, no error status: arguments outside a domain give the
/// value stated here. Zeros may carry a sign; see `canonical`.

namespace skink::arithmetic {

/// e^x. x is clamped to [-87, 88] first; NaN counts as -87. Relative error below 2e-7.
float exp(float x) noexcept;

/// Natural logarithm. x is clamped to [2^-126, largest finite]; NaN counts as 2^-126. Relative error below 2e-7
/// (absolute 1e-7 near 1).
float log(float x) noexcept;

/// Hyperbolic tangent. NaN gives 1 - 2/(e^-87 + 1) = -1. Relative error below 3e-7.
float tanh(float x) noexcept;

/// Sine and cosine of radians, |x| <= 8192: absolute error below 3e-7. Larger |x| and NaN count as 0: sin 0, cos 1.
float sin(float x) noexcept;
float cos(float x) noexcept;

/// Square root, correctly rounded (docs/arithmetic.md, section 1). NaN below 0.
float sqrt(float x) noexcept;

}  // namespace skink::arithmetic
