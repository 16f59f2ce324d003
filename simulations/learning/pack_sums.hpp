#pragma once
/// @file
/// Changes in fixed point (docs/arithmetic.md, section 8), and which of them count. Included like pack.hpp.

#include <utility>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "pack.hpp"
#include "skink/common/arithmetic/fixed_point.hpp"

namespace skink::simulations::SKINK_ISA {

/// Bit k: lane k of the mask is set.
static uint32_t bits_of(IntLanes mask) noexcept {
#if defined(__AVX512F__)
  return _mm512_movepi32_mask(reinterpret_cast<__m512i>(mask));
#elif defined(__AVX2__)
  return static_cast<uint32_t>(_mm256_movemask_ps(reinterpret_cast<__m256>(mask)));
#else
  uint32_t bits = 0;
  for (int k = 0; k < kLanes; ++k) bits |= (lane(mask, k) != 0 ? 1U : 0U) << k;
  return bits;
#endif
}

static IntLanes is_infinite(Pack value) noexcept {
  return mask_of((same_bits<IntLanes>(value.lanes) & 0x7f800000) == 0x7f800000);
}

#if SKINK_LANES == 1

static constexpr int kSumLanes = 1;
using Longs = int64_t;
static Longs fixed_point(Pack change) noexcept { return arithmetic::to_fixed_point(change.lanes); }

static void add_fixed_point(Pack change, int64_t* sums) noexcept { sums[0] += fixed_point(change); }
static void subtract_fixed_point(Pack change, int64_t* sums) noexcept { sums[0] -= fixed_point(change); }

static Pack outer_step(Pack phi, Pack change, double meta_learning_rate, uint32_t weight) noexcept {
  const double mean = arithmetic::mean_of_fixed_point(fixed_point(change) * static_cast<int64_t>(weight), weight);
  return {arithmetic::outer_step(phi.lanes, meta_learning_rate, mean)};
}

#else

static constexpr int kSumLanes = kLanes / 2;
using HalfFloats = float __attribute__((vector_size(4 * kSumLanes)));
using Doubles = double __attribute__((vector_size(8 * kSumLanes)));
using Longs = uint64_t __attribute__((vector_size(8 * kSumLanes)));

/// GCC 12 takes the detour of four halves for __builtin_convertvector.
static Doubles widen(HalfFloats half) noexcept {
#if defined(__AVX512F__)
  return reinterpret_cast<Doubles>(_mm512_maskz_cvtps_pd(0xff, reinterpret_cast<__m256>(half)));
#elif defined(__AVX2__)
  return reinterpret_cast<Doubles>(_mm256_cvtps_pd(reinterpret_cast<__m128>(half)));
#else
  return __builtin_convertvector(half, Doubles);
#endif
}

/// Rounds to nearest, half to even.
static HalfFloats narrow(Doubles numbers) noexcept {
#if defined(__AVX512F__)
  return reinterpret_cast<HalfFloats>(_mm512_maskz_cvtpd_ps(0xff, reinterpret_cast<__m512d>(numbers)));
#elif defined(__AVX2__)
  return reinterpret_cast<HalfFloats>(_mm256_cvtpd_ps(reinterpret_cast<__m256d>(numbers)));
#else
  return __builtin_convertvector(numbers, HalfFloats);
#endif
}

template <size_t kFirst, size_t... kIndex>
HalfFloats half_of(Pack pack, std::index_sequence<kIndex...> /*unused*/) noexcept {
  return __builtin_shufflevector(pack.lanes, pack.lanes, (kFirst + kIndex)...);
}
static HalfFloats low_half(Pack pack) noexcept { return half_of<0>(pack, std::make_index_sequence<kSumLanes>()); }
static HalfFloats high_half(Pack pack) noexcept {
  return half_of<kSumLanes>(pack, std::make_index_sequence<kSumLanes>());
}

template <size_t... kIndex>
Pack join(HalfFloats low, HalfFloats high, std::index_sequence<kIndex...> /*unused*/) noexcept {
  return {__builtin_shufflevector(low, high, kIndex...)};
}

/// Adding 1.5 * 2^52 rounds a double below 2^51 to the nearest integer, half to even, and leaves it in the low bits.
static constexpr double kRoundingConstant = 6755399441055744.0;

static Longs fixed_point(HalfFloats change) noexcept {
  const Doubles rounding = Doubles{} + kRoundingConstant;
  const Doubles scaled = widen(change) * 68719476736.0;  // 2^36
  return reinterpret_cast<Longs>(scaled + rounding) - reinterpret_cast<Longs>(rounding);
}

/// The two halves of a pack in fixed point, added.
static Longs fixed_point(Pack change) noexcept {
  return fixed_point(low_half(change)) + fixed_point(high_half(change));
}

static void add(Longs change, int64_t* sums) noexcept {
  Longs sum;
  memcpy(&sum, sums, sizeof sum);
  sum += change;
  memcpy(sums, &sum, sizeof sum);
}

/// sums[k] += lane k.
static void add_fixed_point(Pack change, int64_t* sums) noexcept {
  add(fixed_point(low_half(change)), sums);
  add(fixed_point(high_half(change)), sums + kSumLanes);
}
static void subtract_fixed_point(Pack change, int64_t* sums) noexcept {
  add(-fixed_point(low_half(change)), sums);
  add(-fixed_point(high_half(change)), sums + kSumLanes);
}

/// arithmetic::outer_step() of arithmetic::mean_of_fixed_point() of one change of this weight. A change below 128 is
/// below 2^43 in fixed point: exact as a double, and its product with the weight rounds as the 64-bit product would.
/// Optimization: a product below 2^53 is exact, so dividing by the weight gives back what was multiplied; a division
/// costs as much as all the rest.
static HalfFloats outer_step(HalfFloats phi, HalfFloats change, double meta_learning_rate, uint32_t weight) noexcept {
  const Doubles rounding = Doubles{} + kRoundingConstant;
  const Doubles fixed = (widen(change) * 68719476736.0 + rounding) - rounding;
  constexpr double kUnit = 1.4551915228366851806640625e-11;  // 2^-36
  const auto total = static_cast<double>(weight);
  const Doubles mean = weight <= 1024 ? fixed * kUnit : ((fixed * total) * kUnit) / total;
  const Doubles step = mean * meta_learning_rate;
  return narrow(widen(phi) + step) + 0.0F;  // a zero has no sign
}

static Pack outer_step(Pack phi, Pack change, double meta_learning_rate, uint32_t weight) noexcept {
  return join(outer_step(low_half(phi), low_half(change), meta_learning_rate, weight),
              outer_step(high_half(phi), high_half(change), meta_learning_rate, weight),
              std::make_index_sequence<kLanes>());
}

#endif

/// 128 or more, infinite or NaN: their bits without the sign are those of 128 or above.
static IntLanes is_too_large(Pack change) noexcept {
  return mask_of((same_bits<IntLanes>(change.lanes) & 0x7fffffff) >= 0x43000000);
}

static Pack only(IntLanes lanes, Pack value) noexcept {
  return {same_bits<FloatLanes>(same_bits<IntLanes>(value.lanes) & lanes)};
}

static IntLanes lanes_of(uint32_t bits) noexcept {
  IntLanes lanes{};
  for (int k = 0; k < kLanes; ++k) set_lane(lanes, k, (bits >> k & 1U) != 0 ? -1 : 0);
  return lanes;
}

}  // namespace skink::simulations::SKINK_ISA
