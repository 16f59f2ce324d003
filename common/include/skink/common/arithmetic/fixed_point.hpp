#pragma once
/// @file
/// Sums that do not depend on order: changes and losses are added as 64-bit integers. docs/arithmetic.md, section 8.

#include <stdint.h>

#include "skink/common/arithmetic/real.hpp"

namespace skink::arithmetic {

/// |change| must be below this, and the total aggregation weight of a round below `kMaxTotalWeight`: then the sum of
/// change * 2^36 * weight stays below 2^63.
inline constexpr float kMaxChange = 128.0F;
inline constexpr uint32_t kMaxTotalWeight = 1U << 20;

/// May this change be aggregated? True when it is finite and |change| < kMaxChange.
inline bool is_aggregatable(float change) noexcept {
  return is_finite(change) && change < kMaxChange && change > -kMaxChange;
}

/// round-half-even(double(change) * 2^36); the caller has checked `is_aggregatable`.
inline int64_t to_fixed_point(float change) noexcept {
  /// Adding and subtracting 1.5 * 2^52 rounds a double below 2^51 to the nearest integer, half to even.
  constexpr double kRoundingConstant = 6755399441055744.0;
  const double scaled = static_cast<double>(change) * 68719476736.0;  // 2^36
  return static_cast<int64_t>((scaled + kRoundingConstant) - kRoundingConstant);
}

/// double(sum) * 2^-36 / total_weight: int64 to double rounds half to even, then one exact scaling, then one division.
inline double mean_of_fixed_point(int64_t sum, uint32_t total_weight) noexcept {
  return static_cast<double>(sum) * 1.4551915228366851806640625e-11 / static_cast<double>(total_weight);  // 2^-36
}

/// phi + epsilon * mean in double (product rounded, sum rounded), then rounded once to float32, zero without a sign.
inline float outer_step(float parameter, double meta_learning_rate, double mean_change) noexcept {
  const double step = meta_learning_rate * mean_change;
  return canonical(static_cast<float>(static_cast<double>(parameter) + step));
}

/// A loss in units of 2^-20, as the losses of one report are summed: clamped to [0, 2^20] first, NaN counts as 2^20,
/// rounded half to even.
int64_t loss_to_fixed_point(float loss) noexcept;

/// The mean of `count` losses whose fixed-point sum is `sum`; 0 for none.
double loss_from_fixed_point(uint64_t sum, uint64_t count) noexcept;

/// The largest loss_to_fixed_point(): also what a query sample counts after a task diverged.
inline constexpr uint64_t kLargestLoss = uint64_t{1} << 40;

/// a + b, at most 2^64 - 1: such sums do not depend on the order of what is added.
inline uint64_t add_saturating(uint64_t a, uint64_t b) noexcept { return b > UINT64_MAX - a ? UINT64_MAX : a + b; }

/// The largest sum of the losses of `samples` query samples; saturates likewise.
inline uint64_t largest_loss_sum(uint64_t samples) noexcept {
  return samples > UINT64_MAX / kLargestLoss ? UINT64_MAX : samples * kLargestLoss;
}

}  // namespace skink::arithmetic
