#pragma once
/// @file
/// Loops over all numbers of a change. Apart from the rest, because firmware compiles this file for speed and what is
/// around it for size. Private to the codecs.

#include "pieces.hpp"

namespace skink::codec {

/// numbers = (w - phi) + residual; without a residual + 0: zeros have no sign (docs/arithmetic.md, section 1), as that
/// of w may differ between implementations. `phi` may be the memory of the numbers.
void subtract(const float* w, const float* residual, const float* phi, Span<float> numbers) noexcept;

/// sum + the sum of (w - phi) + residual. It is finite only if all of these are, but it may overflow.
float add_differences(float sum, const float* w, const float* residual, Span<const float> phi) noexcept;

/// A bit for each number, 1 where it is below 0. `out` may be the memory of the numbers.
void pack_signs(Span<const float> numbers, uint8_t* out) noexcept;

/// Two levels in a byte, or five. `out` may be the memory of the levels.
void pack_int4(const int8_t* levels, uint32_t count, uint8_t* out) noexcept;
void pack_ternary(const int8_t* levels, uint32_t count, uint8_t* out) noexcept;

}  // namespace skink::codec
