#pragma once
/// @file
/// Loops over all numbers of a change. Apart from the rest, because firmware compiles this file for speed and what is
/// around it for size. Private to the codecs.

#include "pieces.hpp"

namespace skink::codec {

/// numbers = (w - numbers) + residual; without a residual + 0: zeros have no sign (docs/arithmetic.md, section 1), as
/// that of w may differ between implementations.
void subtract(const float* w, const float* residual, Span<float> numbers) noexcept;

/// 0, or NaN if an element of (w - numbers) + residual is not finite.
float nothing_if_finite(const float* w, const float* residual, Span<const float> numbers) noexcept;

/// A bit for each number, 1 where it is below 0. `out` may be the memory of the numbers.
void pack_signs(Span<const float> numbers, uint8_t* out) noexcept;

}  // namespace skink::codec
