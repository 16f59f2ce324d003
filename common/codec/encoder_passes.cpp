#include "encoder_passes.hpp"

#include "loop_unroll.hpp"
#include "top_k.hpp"

namespace skink::codec {
namespace {

/// Optimization: in fours or eights at fixed distances. The compiler's own unrolling moves a pointer for every array
/// and writes the body more often.
template <uint32_t kAtOnce, class See>
inline __attribute__((always_inline)) void for_each(uint32_t count, See see) noexcept {
  uint32_t i = 0;
  for (; i + kAtOnce <= count; i += kAtOnce) {
    SKINK_UNROLL_8
    for (uint32_t k = 0; k < kAtOnce; ++k) see(i + k);
  }
  for (; i < count; ++i) see(i);
}

/// Without its sign. A shift, as the instruction that compares does it, too.
uint32_t twice_the_bits(float x) noexcept { return Traits::to_bits(x) << 1; }

}  // namespace

void subtract(const float* w, const float* residual, const float* phi, Span<float> numbers) noexcept {
  float* to = numbers.data();
  const auto count = static_cast<uint32_t>(numbers.size());
  if (residual == nullptr) {
    for_each<8>(count, [&](uint32_t i) noexcept { to[i] = (w[i] - phi[i]) + 0.0F; });
  } else {
    for_each<8>(count, [&](uint32_t i) noexcept { to[i] = (w[i] - phi[i]) + residual[i]; });
  }
}

float add_differences(float sum, const float* w, const float* residual, Span<const float> phi) noexcept {
  const float* from = phi.data();
  const auto count = static_cast<uint32_t>(phi.size());
  if (residual == nullptr) {
    for_each<4>(count, [&](uint32_t i) noexcept { sum += w[i] - from[i]; });
  } else {
    for_each<4>(count, [&](uint32_t i) noexcept { sum += (w[i] - from[i]) + residual[i]; });
  }
  return sum;
}

/// Optimization: few numbers are larger than all before them, so eight are compared with these first.
uint32_t largest_bits(Span<const float> numbers) noexcept {
  const float* x = numbers.data();
  const float* const end = x + numbers.size();
  const auto are_not_above = [&x](uint32_t largest) noexcept {
    SKINK_UNROLL_8
    for (uint32_t k = 0; k < 8; ++k) {
      if (twice_the_bits(x[k]) > largest) return false;
    }
    return true;
  };
  uint32_t largest = 0;
  for (const float* next = x + numbers.size() % 8;; next = x + 8) {
    for (; x != next; ++x) largest = twice_the_bits(*x) > largest ? twice_the_bits(*x) : largest;
    while (x != end && are_not_above(largest)) x += 8;
    if (x == end) return largest >> 1;
  }
}

void MeanMagnitude::add(float number) noexcept { sum_ += __builtin_fabsf(number) * 5.9604644775390625e-8F; }  // 2^-24

void MeanMagnitude::add(Span<const float> numbers) noexcept {
  for (const float x : numbers) add(x);
}

void pack_signs(Span<const float> numbers, uint8_t* out) noexcept {
  const float* x = numbers.data();
  const size_t count = numbers.size();
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    uint32_t byte = 0;
    SKINK_UNROLL_8
    for (size_t k = 0; k < 8; ++k) byte = append_sign(byte, x[i + 7 - k]);
    *out++ = static_cast<uint8_t>(byte);
  }
  uint32_t rest = 0;
  for (size_t k = count; k > i; --k) rest = append_sign(rest, x[k - 1]);
  if (i < count) *out = static_cast<uint8_t>(rest);
}

int32_t ScalarQuantizer::level(float x, uint32_t index) noexcept {
  if (!stochastic_) return multiples_.nearest(x);
  const uint32_t word = words_.word_at(index / 2);
  return multiples_.stochastic(x, (word >> (16 * (index % 2))) & 0xffffU);
}

void ScalarQuantizer::levels(uint32_t first, Span<const float> numbers, int8_t* out) noexcept {
  const auto count = static_cast<uint32_t>(numbers.size());
  const float* x = numbers.data();
  const Multiples multiples = multiples_;  // that no byte written can change
  if (!stochastic_) {
    for (uint32_t i = 0; i < count; ++i) out[i] = static_cast<int8_t>(multiples.nearest(x[i]));
    return;
  }
  uint32_t i = 0;
  for (; i < count && (first + i) % 8 != 0; ++i) out[i] = static_cast<int8_t>(level(x[i], first + i));
  for (; i + 8 <= count; i += 8) {  // a block of random words
    const arithmetic::PhiloxBlock block = words_.block((first + i) / 8);
    for (uint32_t k = 0; k < 4; ++k) {
      const uint32_t word = block.words[k];
      const uint32_t at = i + 2 * k;
      out[at] = static_cast<int8_t>(multiples.stochastic(x[at], word & 0xffffU));
      out[at + 1] = static_cast<int8_t>(multiples.stochastic(x[at + 1], word >> 16));
    }
  }
  for (; i < count; ++i) out[i] = static_cast<int8_t>(level(x[i], first + i));
}

void pack_int4(const int8_t* levels, uint32_t count, uint8_t* out) noexcept {
  for_each<4>(count / 2, [&](uint32_t i) noexcept {
    const uint32_t low = static_cast<uint32_t>(levels[2 * i]) & 15U;
    out[i] = static_cast<uint8_t>(low | static_cast<uint32_t>(levels[2 * i + 1]) << 4);
  });
  if (count % 2 != 0) out[count / 2] = static_cast<uint8_t>(levels[count - 1]) & 15U;
}

void pack_ternary(const int8_t* levels, uint32_t count, uint8_t* out) noexcept {
  uint32_t i = 0;
  for (; i + 5 <= count; i += 5) {
    const int8_t* q = levels + i;
    *out++ = static_cast<uint8_t>(121 + q[0] + 3 * (q[1] + 3 * (q[2] + 3 * (q[3] + 3 * q[4]))));
  }
  if (i == count) return;
  int32_t sum = 0;
  for (uint32_t k = count; k-- > i;) sum = 3 * sum + levels[k] + 1;
  *out = static_cast<uint8_t>(sum);
}

void Selector::count_exponents(Span<const float> numbers) noexcept {
  const float* x = numbers.data();
  const auto count = static_cast<uint32_t>(numbers.size());
  for_each<8>(count, [&](uint32_t i) noexcept { ++counts_[(Traits::to_bits(x[i]) >> 23) & 0xffU]; });
}

void Selector::count_fractions(Span<const float> numbers) noexcept {
  const uint32_t exponent = exponent_;
  const float* x = numbers.data();
  const auto count = static_cast<uint32_t>(numbers.size());
  for_each<8>(count, [&](uint32_t i) noexcept {
    const uint32_t bits = Traits::to_bits(x[i]);
    if (((bits >> 23) & 0xffU) == exponent) ++counts_[(bits >> 15) & 0xffU];
  });
}

/// Optimization: four at a time, as most fail.
const float* TopKFilter::next(const float* x, const float* end) noexcept {
  const uint32_t key = key_ << 16;  // keys without their sign, at the top
  const auto is_below = [key](float number) noexcept { return twice_the_bits(number) < key; };
  for (;; ++x) {
    const float* const last = x + (end - x) / 4 * 4;
    while (x != last && is_below(x[0]) && is_below(x[1]) && is_below(x[2]) && is_below(x[3])) x += 4;
    if (x != last) {
      while (is_below(*x)) ++x;  // one of the four is not
    } else {
      while (x != end && is_below(*x)) ++x;
    }
    if (x == end || passes(*x)) return x;
  }
}

}  // namespace skink::codec
