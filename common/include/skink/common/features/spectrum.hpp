#pragma once
/// @file
/// Fourier transform and power spectrum of one axis of a window, in the order and with the bits of docs/features.md,
/// sections 3 and 4. The twiddles are a table of 1,032 bytes in flash.

#include <stddef.h>
#include <stdint.h>

#include "skink/common/span.hpp"
#include "skink/common/status.hpp"

namespace skink::features {

inline constexpr uint32_t kMinTransform = 64;
inline constexpr uint32_t kMaxTransform = 1024;

/// Is n a length that there is a transform of: 64, 128, 256, 512 or 1024?
constexpr bool is_transform_length(size_t n) noexcept {
  return n >= kMinTransform && n <= kMaxTransform && (n & (n - 1)) == 0;
}

/// Fourier transform of N real numbers in place, radix 2.
///
///   X[k] = sum over n of x[n] * exp(-2 pi i k n / N),   k = 0..N/2
///
/// Its error is below 1e-6 of the root mean square of X (measured against a transform in double: 4.5e-7).
///
/// @param[in,out] x  [N]. In: the numbers, of magnitude below 2^20. Out: X[0].re, X[N/2].re, then X[k].re, X[k].im for
///                   k = 1..N/2-1; X[0] and X[N/2] have no imaginary part.
/// @returns kOk; kShapeMismatch when x.size() is no transform length, x is unchanged.
///
/// Cost: 5/2 N log2(N) additions and multiplications, about; no stack beyond 100 bytes. NaN in gives NaN out.
Status real_transform(Span<float> x) noexcept;

/// What the readings are multiplied with before the transform.
enum class Taper : uint8_t {
  kNone = 0,
  kHann = 1,  ///< 0.5 - 0.5 cos(2 pi n / L)
};

/// Floats that make_taper() fills for windows of `length` readings: none for kNone.
size_t taper_count(Taper taper, uint32_t length) noexcept;

/// The first half of a taper.
///
/// @param[in]  length  readings of a window, 2..1024
/// @param[out] out     [taper_count(taper, length)]
/// @returns kOk; kInvalidArgument for an unknown taper or a length out of range; kShapeMismatch for another size of
///          `out`. On an error `out` is unchanged. Cost: a cosine for each number.
Status make_taper(Taper taper, uint32_t length, Span<float> out) noexcept;

/// Power of a window less its mean: P[k], k = 0..N/2.
///
/// @param[in]     x        [L] readings, below kReadingLimit in magnitude (frames.hpp); 2 <= L <= N.
/// @param[in]     taper    of make_taper() for L readings; empty: none.
/// @param[in,out] scratch  [N], N a transform length; other memory than x. Out: P[0..N/2] first, the rest unspecified.
/// @returns kOk; kShapeMismatch when sizes do not belong together, `scratch` is unchanged.
///
/// Cost: real_transform(), and three passes.
Status power_spectrum(Span<const float> x, Span<const float> taper, Span<float> scratch) noexcept;

}  // namespace skink::features
