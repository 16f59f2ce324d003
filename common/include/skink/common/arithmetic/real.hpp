#pragma once
/// @file
/// The number type of the kernels. A kernel is a template over `Real`: `float` on a device, a SIMD vector in the
/// simulator, where lane k is device k ("lanes never split a sum", docs/design.md). `RealTraits<Real>` is all that a
/// kernel may ask of it beyond + - * /, and every operation must round each lane as IEEE-754 binary32 does.
/// docs/arithmetic.md, section 1, is the contract.

#include <stdint.h>
#include <string.h>

#include "skink/common/arithmetic/internal/square_root.hpp"

namespace skink::arithmetic {

/// Version of docs/arithmetic.md: a change of any result bit changes it. Travels in birth, task, model and summary.
inline constexpr uint16_t kArithmeticVersion = 2;

/// The operations of a number type: specialised for float here, for vectors of lanes where they are defined.
template <class Real>
struct RealTraits;

/// One lane: the operations of the processor, or their exact equals.
template <>
struct RealTraits<float> {
  /// One truth value for each lane.
  using Mask = bool;

  /// Operations on lanes. broadcast: the value in every lane. greater, equal: the IEEE-754 comparison of each lane,
  /// false where an operand is NaN. both, invert: logical and, not. all, none: whether every lane of the mask is true,
  /// or no lane. select: lane by lane `if_true` where the mask is true, else `if_false`; the bits are copied.
  static float broadcast(float value) noexcept { return value; }
  static Mask greater(float a, float b) noexcept { return a > b; }
  static Mask equal(float a, float b) noexcept { return a == b; }
  static Mask both(Mask a, Mask b) noexcept { return a && b; }
  static Mask invert(Mask a) noexcept { return !a; }
  static bool all(Mask a) noexcept { return a; }
  static bool none(Mask a) noexcept { return !a; }
  static float select(Mask mask, float if_true, float if_false) noexcept { return mask ? if_true : if_false; }

  /// 2^n for an integral n in [-126, 127].
  static float power_of_two(float n) noexcept {
    const uint32_t bits = static_cast<uint32_t>(static_cast<int32_t>(n) + 127) << 23;
    return from_bits(bits);
  }
  /// Splits a positive normal x = mantissa * 2^exponent, mantissa in [0.5, 1), exponent integral.
  static void split(float x, float& mantissa, float& exponent) noexcept {
    const uint32_t bits = to_bits(x);
    exponent = static_cast<float>(static_cast<int32_t>(bits >> 23) - 126);
    mantissa = from_bits((bits & 0x007fffffU) | 0x3f000000U);
  }

  /// Square root, correctly rounded. NaN for x below 0.
  static float sqrt(float x) noexcept {
#if defined(__SSE2__) || defined(__aarch64__) || (defined(__ARM_FP) && (__ARM_FP & 4) != 0) || \
    (defined(__riscv_flen) && __riscv_flen >= 32)
    return __builtin_sqrtf(x);  // one instruction, with -fno-math-errno
#else
    return from_bits(internal::square_root_bits(to_bits(x)));
#endif
  }

  /// The IEEE-754 binary32 pattern of a number, and the number of a pattern. Any value, NaN included. Float only.
  static uint32_t to_bits(float value) noexcept {
    uint32_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    return bits;
  }
  static float from_bits(uint32_t bits) noexcept {
    float value = 0;
    memcpy(&value, &bits, sizeof value);
    return value;
  }
};

/// A zero has no sign: -0 becomes +0, all else is kept. Applied to every number in a message or under a hash.
inline float canonical(float value) noexcept { return value == 0.0F ? 0.0F : value; }

/// Neither NaN nor infinite; looks at the exponent bits, so no compiler flag can fold it away.
inline bool is_finite(float value) noexcept { return (RealTraits<float>::to_bits(value) & 0x7f800000U) != 0x7f800000U; }

}  // namespace skink::arithmetic
