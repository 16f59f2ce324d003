#pragma once
/// @file
/// A SIMD vector as the kernels' number type, and one pass of online SGD over device lanes. Compiled once for each
/// instruction set: a source file defines SKINK_ISA (a namespace) and SKINK_LANES (a width) and includes this file,
/// once. Everything that is instantiated here is instantiated for the Pack of that namespace, so no code of one
/// instruction set can be linked in place of another's; tests/structure looks.

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "skink/common/arithmetic/real.hpp"
#include "skink/common/nn/kernels/unroll.hpp"

namespace skink::simulations::SKINK_ISA {

inline constexpr int kLanes = SKINK_LANES;

#if SKINK_LANES == 1  // GCC keeps vectors of one float in memory
using FloatLanes = float;
using IntLanes = int32_t;
using WordLanes = uint32_t;
static inline int32_t lane(IntLanes numbers, int /*k*/) noexcept { return numbers; }
static inline void set_lane(IntLanes& numbers, int /*k*/, int32_t value) noexcept { numbers = value; }
static inline IntLanes mask_of(bool condition) noexcept { return condition ? -1 : 0; }
template <class To, class From>
To convert(From from) noexcept {
  return static_cast<To>(from);
}
#else
using FloatLanes = float __attribute__((vector_size(4 * SKINK_LANES)));
using IntLanes = int32_t __attribute__((vector_size(4 * SKINK_LANES)));
using WordLanes = uint32_t __attribute__((vector_size(4 * SKINK_LANES)));
static inline int32_t lane(IntLanes numbers, int k) noexcept { return numbers[k]; }
static inline void set_lane(IntLanes& numbers, int k, int32_t value) noexcept { numbers[k] = value; }
static inline IntLanes mask_of(IntLanes condition) noexcept { return condition; }
template <class To, class From>
To convert(From from) noexcept {
  return __builtin_convertvector(from, To);
}
#endif

/// The same bits as another type of the same size.
template <class To, class From>
To same_bits(From from) noexcept {
  static_assert(sizeof(To) == sizeof(From), "the bits must fit");
  To to;
  memcpy(&to, &from, sizeof to);
  return to;
}

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
  static Mask greater(Pack a, Pack b) noexcept { return simulations::SKINK_ISA::mask_of(a.lanes > b.lanes); }
  static Mask equal(Pack a, Pack b) noexcept { return simulations::SKINK_ISA::mask_of(a.lanes == b.lanes); }
  static Mask both(Mask a, Mask b) noexcept { return a & b; }
  static Mask invert(Mask a) noexcept { return ~a; }
  static bool none(Mask a) noexcept {
    int32_t any = 0;
    for (int k = 0; k < simulations::SKINK_ISA::kLanes; ++k) any |= simulations::SKINK_ISA::lane(a, k);
    return any == 0;
  }
  static bool all(Mask a) noexcept { return none(~a); }
  static Pack select(Mask mask, Pack if_true, Pack if_false) noexcept {
    return {mask ? if_true.lanes : if_false.lanes};
  }
  static Pack sqrt(Pack x) noexcept {
    float numbers[simulations::SKINK_ISA::kLanes];
    memcpy(numbers, &x, sizeof x);
    for (float& number : numbers) number = __builtin_sqrtf(number);
    memcpy(&x, numbers, sizeof x);
    return x;
  }
  static Pack power_of_two(Pack n) noexcept {
    const IntLanes bits = (simulations::SKINK_ISA::convert<IntLanes>(n.lanes) + 127) << 23;
    return {simulations::SKINK_ISA::same_bits<FloatLanes>(bits)};
  }
  static void split(Pack x, Pack& mantissa, Pack& exponent) noexcept {
    const IntLanes bits = simulations::SKINK_ISA::same_bits<IntLanes>(x.lanes);
    exponent.lanes = simulations::SKINK_ISA::convert<FloatLanes>((bits >> 23) - 126);  // x is positive
    mantissa.lanes = simulations::SKINK_ISA::same_bits<FloatLanes>((bits & 0x007fffff) | 0x3f000000);
  }
};

}  // namespace skink::arithmetic

namespace skink::simulations::SKINK_ISA {

using Traits = arithmetic::RealTraits<Pack>;

static inline Pack* packs(float* numbers) noexcept { return reinterpret_cast<Pack*>(numbers); }
static inline const Pack* packs(const float* numbers) noexcept { return reinterpret_cast<const Pack*>(numbers); }

}  // namespace skink::simulations::SKINK_ISA

namespace skink::nn::kernels {

template <>
inline constexpr size_t kBackwardTile<simulations::SKINK_ISA::Pack> = SKINK_REGISTERS >= 32 ? 8 : 4;
template <>
inline constexpr size_t kConvolutionTile<simulations::SKINK_ISA::Pack> = 8;
template <>
inline constexpr size_t kPixelTile<simulations::SKINK_ISA::Pack> = 8;
/// Optimization: with divisions the net conv of skink-sim bench ran at 12,300 device-rounds/s, without at 13,500
/// (AVX2).
template <>
inline size_t strides_in<simulations::SKINK_ISA::Pack>(size_t place, size_t stride) noexcept {
  return stride == 1 ? place : stride == 2 ? place / 2 : place / stride;
}
template <>
inline constexpr size_t kUpdateTile<simulations::SKINK_ISA::Pack> = SKINK_REGISTERS >= 32 ? 16 : 8;

}  // namespace skink::nn::kernels
