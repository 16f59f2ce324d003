#pragma once
/// @file
/// Statistics of one axis of a window, in the order and with the bits of docs/features.md, section 2. Pure; nothing is
/// kept and nothing is lent.

#include <stddef.h>
#include <stdint.h>

#include "skink/common/span.hpp"
#include "skink/common/status.hpp"

namespace skink::features {

/// One bit each, in the order in which they are computed.
enum Statistic : uint8_t {
  kMean = 1U << 0,
  kDeviation = 1U << 1,  ///< square root of the mean square distance from the mean
  kEnergy = 1U << 2,     ///< mean square
  kRms = 1U << 3,        ///< its square root
  kLeast = 1U << 4,
  kGreatest = 1U << 5,
  kStep = 1U << 6,  ///< mean magnitude of the difference from one reading to the next
};
inline constexpr uint8_t kAllStatistics = 0x7f;

/// How many bits of kAllStatistics are set in a mask.
size_t statistic_count(uint8_t mask) noexcept;

/// Mean of an axis. @param[in] x  [L], L of at least 1; NaN gives NaN.
float mean_of(Span<const float> x) noexcept;

/// The statistics that a mask asks for.
///
/// @param[in]  x     [L] readings, below kReadingLimit in magnitude (frames.hpp), L of at least 2.
/// @param[in]  mask  of `Statistic`; at least one bit.
/// @param[out] out   [statistic_count(mask)].
/// @returns kOk; kInvalidArgument for a mask without a bit or with an unknown one; kShapeMismatch for fewer than two
///          readings or another size of `out`. On an error `out` is unchanged.
///
/// Cost: at most four passes over x.
Status statistics(Span<const float> x, uint8_t mask, Span<float> out) noexcept;

}  // namespace skink::features
