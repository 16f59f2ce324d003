#include "skink/common/arithmetic/fixed_point.hpp"

namespace skink::arithmetic {

/// In float32 and integers: a device without doubles in hardware would need 2 KB of code for them.
int64_t loss_to_fixed_point(float loss) noexcept {
  constexpr float kLargest = 1048576.0F;  // 2^20
  float clamped = kLargest > loss ? loss : kLargest;
  clamped = clamped > 0.0F ? clamped : 0.0F;
  const float scaled = clamped * 1048576.0F;  // exact: a power of two, and far from overflow
  constexpr float kNoFraction = 8388608.0F;   // 2^23: adding it rounds to the nearest integer, half to even
  if (scaled < kNoFraction) return static_cast<int32_t>((scaled + kNoFraction) - kNoFraction);
  const uint32_t bits = RealTraits<float>::to_bits(scaled);
  return static_cast<int64_t>((bits & 0x7fffffU) | 0x800000U) << ((bits >> 23) - 150U);  // an integer already
}

double loss_from_fixed_point(uint64_t sum, uint64_t count) noexcept {
  return count == 0 ? 0.0 : static_cast<double>(sum) / 1048576.0 / static_cast<double>(count);
}

}  // namespace skink::arithmetic
