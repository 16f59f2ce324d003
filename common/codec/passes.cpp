#include "passes.hpp"

#include "top_k.hpp"
#include "unroll.hpp"

namespace skink::codec {

void subtract(const float* w, const float* residual, Span<float> numbers) noexcept {
  float* to = numbers.data();
  const auto count = static_cast<uint32_t>(numbers.size());
  if (residual == nullptr) {
    SKINK_UNROLL_4
    for (uint32_t i = 0; i < count; ++i) to[i] = (w[i] - to[i]) + 0.0F;
  } else {
    SKINK_UNROLL_4
    for (uint32_t i = 0; i < count; ++i) to[i] = (w[i] - to[i]) + residual[i];
  }
}

float nothing_if_finite(const float* w, const float* residual, Span<const float> numbers) noexcept {
  const float* phi = numbers.data();
  const auto count = static_cast<uint32_t>(numbers.size());
  float sum = 0.0F;
  if (residual == nullptr) {
    SKINK_UNROLL_4
    for (uint32_t i = 0; i < count; ++i) {
      const float x = w[i] - phi[i];
      sum += x - x;
    }
  } else {
    SKINK_UNROLL_4
    for (uint32_t i = 0; i < count; ++i) {
      const float x = (w[i] - phi[i]) + residual[i];
      sum += x - x;
    }
  }
  return sum;
}

uint32_t largest_bits(Span<const float> numbers) noexcept {
  uint32_t largest = 0;
  SKINK_UNROLL_4
  for (const float x : numbers) {
    const uint32_t bits = magnitude_bits(x);
    largest = bits > largest ? bits : largest;
  }
  return largest;
}

void MeanMagnitude::add(Span<const float> numbers) noexcept {
  for (const float x : numbers) sum_ += __builtin_fabsf(x) * 5.9604644775390625e-8F;  // 2^-24
}

void pack_signs(Span<const float> numbers, uint8_t* out) noexcept {
  const float* x = numbers.data();
  const size_t count = numbers.size();
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    uint32_t byte = 0;
    SKINK_UNROLL_8
    for (size_t k = 0; k < 8; ++k) byte |= is_below_zero(x[i + k]) ? 1U << k : 0U;
    out[i / 8] = static_cast<uint8_t>(byte);
  }
  uint32_t rest = 0;
  for (size_t k = 0; i + k < count; ++k) rest |= is_below_zero(x[i + k]) ? 1U << k : 0U;
  if (i < count) out[i / 8] = static_cast<uint8_t>(rest);
}

int32_t Leveller::level(float x, uint32_t index) noexcept {
  if (!stochastic_) return nearest(x);
  const uint32_t word = words_.word(index / 2);
  return stochastic(x, (word >> (16 * (index % 2))) & 0xffffU);
}

void Leveller::levels(uint32_t first, Span<const float> numbers, int8_t* out) noexcept {
  const auto count = static_cast<uint32_t>(numbers.size());
  const float* x = numbers.data();
  if (!stochastic_) {
    SKINK_UNROLL_4
    for (uint32_t i = 0; i < count; ++i) out[i] = static_cast<int8_t>(nearest(x[i]));
    return;
  }
  for (uint32_t i = 0; i < count;) {
    const uint32_t skipped = (first + i) % 8;  // of a block of random words
    const arithmetic::PhiloxBlock block = words_.block((first + i) / 8);
    uint32_t dithers[8];
    for (uint32_t j = 0; j < 4; ++j) {
      dithers[2 * j] = block.words[j] & 0xffffU;
      dithers[2 * j + 1] = block.words[j] >> 16;
    }
    for (uint32_t j = skipped; j < 8 && i < count; ++j, ++i) out[i] = static_cast<int8_t>(stochastic(x[i], dithers[j]));
  }
}

void Selector::count_exponents(Span<const float> numbers) noexcept {
  SKINK_UNROLL_4
  for (const float x : numbers) ++counts_[(Traits::to_bits(x) >> 23) & 0xffU];
}

void Selector::count_fractions(Span<const float> numbers) noexcept {
  const uint32_t exponent = exponent_;
  SKINK_UNROLL_4
  for (const float x : numbers) {
    const uint32_t bits = Traits::to_bits(x);
    if (((bits >> 23) & 0xffU) == exponent) ++counts_[(bits >> 15) & 0xffU];
  }
}

uint32_t Sieve::next(Span<const float> numbers, uint32_t first) noexcept {
  const auto count = static_cast<uint32_t>(numbers.size());
  const uint32_t key = key_ << 16;  // keys without their sign, at the top
  const float* x = numbers.data();
  for (uint32_t i = first; i < count; ++i) {
    while (i < count && Traits::to_bits(x[i]) << 1 < key) ++i;
    if (i == count || passes(x[i])) return i;
  }
  return count;
}

}  // namespace skink::codec
