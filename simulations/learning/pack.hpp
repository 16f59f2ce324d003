/// @file
/// A SIMD vector as the kernels' number type, and one pass of online SGD over device lanes. Compiled once for each
/// instruction set: a source file defines SKINK_ISA (a namespace) and SKINK_LANES (a width) and includes this file,
/// once. Everything that is instantiated here is instantiated for the Pack of that namespace, so no code of one
/// instruction set can be linked in place of another's; tests/structure looks.

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "skink/common/arithmetic/real.hpp"
#include "skink/common/nn/internal/unroll.hpp"

namespace skink::simulations::SKINK_ISA {

inline constexpr int kLanes = SKINK_LANES;

using FloatLanes = float __attribute__((vector_size(4 * SKINK_LANES)));
using IntLanes = int32_t __attribute__((vector_size(4 * SKINK_LANES)));

/// Lane k is device k. Every operation rounds each lane as binary32 does.
struct Pack {
  FloatLanes lanes;

  friend Pack operator+(Pack a, Pack b) noexcept { return {a.lanes + b.lanes}; }
  friend Pack operator-(Pack a, Pack b) noexcept { return {a.lanes - b.lanes}; }
  friend Pack operator*(Pack a, Pack b) noexcept { return {a.lanes * b.lanes}; }
  friend Pack operator/(Pack a, Pack b) noexcept { return {a.lanes / b.lanes}; }
  Pack& operator+=(Pack b) noexcept {
    lanes += b.lanes;
    return *this;
  }
};

}  // namespace skink::simulations::SKINK_ISA

namespace skink::arithmetic {

template <>
struct RealTraits<simulations::SKINK_ISA::Pack> {
  using Pack = simulations::SKINK_ISA::Pack;
  using FloatLanes = simulations::SKINK_ISA::FloatLanes;
  using IntLanes = simulations::SKINK_ISA::IntLanes;
  using Mask = IntLanes;  ///< a lane is all ones or all zeros

  static Pack broadcast(float value) noexcept { return {value - FloatLanes{}}; }
  static Mask greater(Pack a, Pack b) noexcept { return a.lanes > b.lanes; }
  static Mask equal(Pack a, Pack b) noexcept { return a.lanes == b.lanes; }
  static Mask both(Mask a, Mask b) noexcept { return a & b; }
  static Mask invert(Mask a) noexcept { return ~a; }
  static bool none(Mask a) noexcept {
    int32_t any = 0;
    for (int k = 0; k < simulations::SKINK_ISA::kLanes; ++k) any |= a[k];
    return any == 0;
  }
  static bool all(Mask a) noexcept { return none(~a); }
  static Pack select(Mask mask, Pack if_true, Pack if_false) noexcept {
    return {mask ? if_true.lanes : if_false.lanes};
  }
  static Pack sqrt(Pack x) noexcept {
    for (int k = 0; k < simulations::SKINK_ISA::kLanes; ++k) x.lanes[k] = __builtin_sqrtf(x.lanes[k]);
    return x;
  }
  static Pack power_of_two(Pack n) noexcept {
    const IntLanes bits = (__builtin_convertvector(n.lanes, IntLanes) + 127) << 23;
    return {reinterpret_cast<FloatLanes>(bits)};
  }
  static void split(Pack x, Pack& mantissa, Pack& exponent) noexcept {
    const IntLanes bits = reinterpret_cast<IntLanes>(x.lanes);
    exponent.lanes = __builtin_convertvector((bits >> 23) - 126, FloatLanes);  // x is positive
    mantissa.lanes = reinterpret_cast<FloatLanes>((bits & 0x007fffff) | 0x3f000000);
  }
};

}  // namespace skink::arithmetic

namespace skink::nn::internal {

template <>
inline constexpr size_t kBackwardTile<simulations::SKINK_ISA::Pack> = SKINK_REGISTERS >= 32 ? 8 : 4;
template <>
inline constexpr size_t kUpdateTile<simulations::SKINK_ISA::Pack> = SKINK_REGISTERS >= 32 ? 16 : 8;

}  // namespace skink::nn::internal
