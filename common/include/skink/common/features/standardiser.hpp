#pragma once
/// @file
/// Running standardisation of feature vectors: docs/features.md, section 7. A device's own mean and deviation, in
/// constant memory and one pass; the state can be kept and restored.

#include <stddef.h>
#include <stdint.h>

#include "skink/common/features/frames.hpp"
#include "skink/common/span.hpp"
#include "skink/common/status.hpp"

namespace skink::features {

inline constexpr uint32_t kMaxVector = 1024;        ///< numbers of a vector
inline constexpr uint32_t kMostVectors = 1U << 24;  ///< that are counted; later ones change nothing

/// Running mean and deviation of each number of a vector. Not ISR-safe.
class Standardiser {
 public:
  /// Floats that begin() borrows: 2 * size.
  static constexpr size_t memory_count(size_t size) noexcept { return 2 * size; }

  /// Begins without a vector.
  ///
  /// @param[in] size    numbers of a vector, 1..kMaxVector
  /// @param[in] memory  at least memory_count(size), caller-owned; borrowed until the next begin() or the end of use.
  ///                    Holds the means [size], then the sums of squares [size]; whoever keeps these and count() can
  ///                    restore() them.
  /// @returns kOk; kInvalidArgument for a size out of range; kBufferTooSmall. On an error nothing changes.
  Status begin(size_t size, Span<float> memory) noexcept;

  /// begin(), but with a state that was kept in `memory`.
  /// @param[in] count  what count() was, at most kMostVectors
  /// @returns as begin(); kInvalidArgument also for a larger count; kNotFinite when a number of the state is NaN,
  ///          infinite, or a sum of squares is below 0. On an error nothing changes.
  Status restore(size_t size, Span<float> memory, uint32_t count) noexcept;

  /// Takes a vector into mean and deviation.
  /// @param[in] x  [size]
  /// @returns kOk; kShapeMismatch for another size or without begin(); kNotFinite when a number is NaN or above
  ///          kFeatureLimit in magnitude. On an error nothing changes.
  Status add(Span<const float> x) noexcept;

  /// (x - mean) / sqrt(variance + 1e-5), each number by itself.
  /// @param[in,out] x  [size]. Finite afterwards, below 2^59 in magnitude; unchanged on an error.
  /// @returns kOk; kUnavailable before the first add(); kShapeMismatch or kNotFinite as from add().
  Status standardise(Span<float> x) const noexcept;

  /// Vectors that were added, at most kMostVectors.
  uint32_t count() const noexcept { return count_; }

 private:
  Status check(Span<const float> x) const noexcept;

  Span<float> mean_;
  Span<float> squares_;
  uint32_t count_ = 0;
};

}  // namespace skink::features
