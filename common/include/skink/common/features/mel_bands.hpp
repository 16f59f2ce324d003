#pragma once
/// @file
/// Logarithms of the energy in triangular bands of a power spectrum, equally wide on the mel scale: docs/features.md,
/// section 5. What the bands are is computed once, on the device, and not a table of weights.

#include <stddef.h>
#include <stdint.h>

#include "skink/common/span.hpp"
#include "skink/common/status.hpp"

namespace skink::features {

inline constexpr uint32_t kMaxBands = 64;

/// Which bands.
struct MelSpec {
  uint32_t bands = 0;      ///< 1..kMaxBands
  uint32_t transform = 0;  ///< N of the power spectrum (spectrum.hpp)
  float rate_hz = 0;       ///< readings a second, 1..2^20
  float low_hz = 0;        ///< where the first band begins, at least 0
  float high_hz = 0;       ///< where the last one ends, above low_hz and at most half of rate_hz
};

/// The bands of one spectrum. 24 bytes beside the memory that is lent.
class MelBands {
 public:
  /// Floats that begin() borrows: 2 * bands + 3.
  static constexpr size_t memory_count(uint32_t bands) noexcept { return 2 * size_t{bands} + 3; }

  /// Places the bands.
  ///
  /// @param[in] spec    copied
  /// @param[in] memory  at least memory_count(spec.bands), caller-owned; borrowed until the next begin() or the end of
  ///                    use. Unspecified after an error but kBufferTooSmall.
  /// @returns
  /// * kOk
  /// * kInvalidArgument  a number of `spec` is out of its range, or the bands are so narrow that one has no bin of the
  ///                     spectrum, or no width in float.
  /// * kBufferTooSmall   `memory` is smaller than memory_count().
  /// On an error there are no bands. Cost: an exponential for each band.
  Status begin(const MelSpec& spec, Span<float> memory) noexcept;

  /// The natural logarithm of each band's energy and 1e-10.
  ///
  /// @param[in]  power  [N/2 + 1], of power_spectrum()
  /// @param[out] out    [bands]
  /// @returns kOk; kShapeMismatch for other sizes or without begin(), `out` is unchanged.
  ///
  /// Cost: two products and two sums for each bin of each band, of which every bin has at most two; a logarithm for
  /// each band.
  Status apply(Span<const float> power, Span<float> out) const noexcept;

 private:
  bool has_empty_band() const noexcept;
  float energy(Span<const float> power, size_t band) const noexcept;

  Span<float> edges_;   ///< [bands + 2], in bins
  Span<float> slopes_;  ///< [bands + 1]
  size_t bins_ = 0;
};

}  // namespace skink::features
