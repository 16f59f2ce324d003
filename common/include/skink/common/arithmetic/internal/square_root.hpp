#pragma once
/// @file
/// The square root of a binary32 number from integers only, for targets without the instruction. Hosts have it too:
/// tests compare it with theirs.

#include <stdint.h>

namespace skink::arithmetic::internal {

/// The bits of sqrt(x), rounded to nearest, of the bits of x. Below 0 and for NaN: a NaN; of a zero: that zero.
///
/// Bit by bit, as with pen and paper: 25 bits of the root, the last of them says how to round. No tie can occur, since
/// the square of a number of 25 bits that ends in 1 has more bits than x. Cost: 25 turns of a loop.
inline uint32_t square_root_bits(uint32_t bits) noexcept {
  if ((bits & 0x7fffffffU) == 0) return bits;
  if (bits >= 0x7f800000U) return bits == 0x7f800000U ? bits : 0x7fc00000U;
  auto exponent = static_cast<int32_t>(bits >> 23);
  uint32_t mantissa = bits & 0x007fffffU;
  if (exponent == 0) {
    for (exponent = 1; mantissa < 0x00800000U; --exponent) mantissa <<= 1;  // at most 23 turns
  }
  mantissa = (mantissa | 0x00800000U) << ((exponent & 1) != 0 ? 1 : 2);  // an even power of two is left
  uint32_t root = 0;
  uint32_t twice = 0;  // of the root so far
  for (uint32_t bit = 0x01000000U; bit != 0; bit >>= 1) {
    if (twice + bit <= mantissa) {
      mantissa -= twice + bit;
      twice += bit + bit;
      root += bit;
    }
    mantissa <<= 1;
  }
  return (static_cast<uint32_t>(exponent + 125) >> 1 << 23) + ((root + 1) >> 1);
}

}  // namespace skink::arithmetic::internal
