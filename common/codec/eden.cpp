#include "eden.hpp"

#include <string.h>

#include "encoder_passes.hpp"
#include "loop_unroll.hpp"

namespace skink::codec {
namespace {

constexpr uint32_t kSecondSigns = 0x40000000U;

/// 1 / sqrt(p) for p = 2^index.
constexpr float kInverseRoots[9] = {1.0F,        0.70710677F, 0.5F,         0.35355338F, 0.25F,
                                    0.17677669F, 0.125F,      0.088388346F, 0.0625F};

/// The thresholds between levels, those of b bits from place 2^(b-1) - b.
constexpr float kThresholds[11] = {0.981598822F, 0.50054973F, 1.04995728F, 1.74792749F, 0.258221665F, 0.522403709F,
                                   0.799549788F, 1.09928583F, 1.43713879F, 1.84353181F, 2.4008034F};

const float* thresholds_of(uint32_t bits) noexcept { return kThresholds + ((1U << (bits - 1U)) - bits); }

uint32_t log2_of(size_t count) noexcept {
  uint32_t log = 0;
  while ((size_t{2} << log) <= count) ++log;
  return log;
}

/// log2(kRadix) stages of the transform, distances h, 2h, ..., of numbers read(0), read(1), ...: each is read and
/// written once.
template <size_t kRadix, class Read>
inline __attribute__((always_inline)) void butterfly(float* t, size_t h, Read read) noexcept {
  float v[kRadix];
  SKINK_UNROLL_16
  for (size_t k = 0; k < kRadix; ++k) v[k] = read(k);
  SKINK_UNROLL_4
  for (size_t d = 1; d < kRadix; d *= 2) {
    SKINK_UNROLL_16
    for (size_t k = 0; k < kRadix; ++k) {
      if ((k & d) != 0) continue;
      const float a = v[k];
      const float b = v[k + d];
      v[k] = a + b;
      v[k + d] = a - b;
    }
  }
  SKINK_UNROLL_16
  for (size_t k = 0; k < kRadix; ++k) t[k * h] = v[k];
}

template <size_t kRadix>
inline __attribute__((always_inline)) void butterfly(float* t, size_t h) noexcept {
  butterfly<kRadix>(t, h, [t, h](size_t k) noexcept { return t[k * h]; });
}

/// Optimization: 16 numbers fit into the registers of a Cortex-M4's FPU, and fixed distances into its instructions: two
/// turns over a whole block instead of eight.
template <size_t kRadix>
void butterflies_at_16(float* t) noexcept {
  for (size_t i = 0; i < 16; ++i) butterfly<kRadix>(t + i, 16);
}

/// Stages of 2^log numbers at distances h, 2h, ...: for small blocks.
void hadamard_slowly(float* t, uint32_t log, size_t h) noexcept {
  const size_t size = size_t{1} << log;
  for (; h < size; h *= 2) {
    for (size_t i = 0; i < size; ++i) {
      if ((i & h) == 0) butterfly<2>(t + i, h);
    }
  }
}

/// What is left of 2^log numbers, at most kBlock, after the first four stages.
void hadamard_from_16(float* t, uint32_t log) noexcept {
  static_assert(kBlock == 256, "two times four stages");
  switch (log) {
    case 7: return butterflies_at_16<8>(t);
    case 8: return butterflies_at_16<16>(t);
    default: return hadamard_slowly(t, log, 16);
  }
}

/// Of 2^log numbers, at most kBlock.
void hadamard(float* t, uint32_t log) noexcept {
  if (log < 4) return hadamard_slowly(t, log, 1);
  for (float* end = t + (size_t{1} << log); end != t;) butterfly<16>(end -= 16, 1);
  hadamard_from_16(t, log);
}

/// A sum over eight partial sums, so that it has the same value at any width of SIMD.
class Sum8 {
 public:
  void add(size_t i, float number) noexcept { s_[i % 8] += number; }
  float total() const noexcept {
    const float a = (s_[0] + s_[4]) + (s_[2] + s_[6]);
    const float b = (s_[1] + s_[5]) + (s_[3] + s_[7]);
    return a + b;
  }

 private:
  float s_[8] = {};
};

}  // namespace

float EdenBlock::value(uint32_t code) const noexcept { return eden_value(bits_, code); }

/// numbers[i] = numbers[i] * factor, negated where the sign bit of number first + i is 1.
void EdenBlock::flip(Span<float> numbers, uint32_t first, uint32_t second, float factor) noexcept {
  const auto count = static_cast<uint32_t>(numbers.size());
  for (uint32_t i = 0; i < count;) {
    const uint32_t e = first + i;
    uint32_t signs = words_.word_at(second + e / 32) >> (e % 32);
    const uint32_t here = i + 32 - e % 32;
    const uint32_t end = here < count ? here : count;
    float* t = numbers.data();
    for (; i < end; ++i, signs >>= 1) t[i] = Traits::from_bits(Traits::to_bits(t[i] * factor) ^ (signs << 31));
  }
}

/// numbers = y / their power of two. @returns the sum of their squares before the rotation.
float EdenBlock::rotate(uint32_t first, Span<float> numbers, float shrink) noexcept {
  const size_t count = numbers.size();
  float* t = numbers.data();
  const uint32_t log = log2_of(count);
  const size_t power = size_t{1} << log;
  const size_t rest = count - power;
  const float factor = kInverseRoots[log];
  Sum8 sixteens;  // stays in registers
  size_t i = 0;
  for (; i + 16 <= power; i += 16) {
    const auto e = first + static_cast<uint32_t>(i);  // a multiple of 16: blocks begin at multiples of 256
    const uint32_t signs = words_.word_at(e / 32) >> (e % 32);
    float* here = t + i;
    // Optimization: scaled, squared, signed and transformed in one go, which saves a tenth of both.
    butterfly<16>(here, 1, [&](size_t k) noexcept {
      const float number = here[k] * shrink;
      sixteens.add(k, number * number);
      const float scaled = number * factor;
      return (signs >> k & 1U) != 0 ? -scaled : scaled;
    });
  }
  Sum8 squares = sixteens;
  for (size_t k = i; k < count; ++k) {
    t[k] *= shrink;
    squares.add(k, t[k] * t[k]);
  }
  if (log < 4) {
    flip(numbers.first(power), first, 0, factor);
    hadamard(t, log);
  } else {
    hadamard_from_16(t, log);
  }
  if (rest > 0) {
    flip(numbers.subspan(rest), first + static_cast<uint32_t>(rest), kSecondSigns, factor);
    hadamard(t + rest, log);
  }
  return squares.total();
}

/// Writes the codes of y over y. They are ways through a search tree, the sign first: its nodes are numbered as in a
/// heap, from 1, so the node after the last turn is 2^b + code. Optimization: one function for each b, eight numbers
/// at a time: a sixth of what encoding takes with three or four bits.
template <uint32_t kBits>
float EdenBlock::quantize(float* y, size_t count) const noexcept {
  constexpr uint32_t kCodes = 1U << kBits;
  // 2^b for each of eight numbers.
  constexpr auto kNodes = static_cast<uint32_t>(((uint64_t{1} << 8 * kBits) - 1U) / (kCodes - 1U) * kCodes);
  const uint32_t root = tree_[2];  // here as no byte written can change it
  auto* out = reinterpret_cast<uint8_t*>(y);
  const float* const end = y + count;
  Sum8 along;
  for (; y < end; y += 8) {
    uint32_t word = 0;
    SKINK_UNROLL_8
    for (size_t k = 0; k < 8; ++k) {
      const size_t j = 7 - k;
      const uint32_t bits = magnitude_bits(y[j]);  // numbers that are not below 0 compare as their bits do
      uint32_t node = append_carry(append_sign(1, y[j]), bits, root);
      SKINK_UNROLL_4
      for (uint32_t depth = 2; depth < kBits; ++depth) node = append_carry(node, bits, tree_[node]);
      word = (word << kBits) + node;
      along.add(j, kEdenValues[node] * y[j]);
    }
    word -= kNodes;
    SKINK_UNROLL_4
    for (uint32_t byte = 0; byte < kBits; ++byte) *out++ = static_cast<uint8_t>(word >> (8 * byte));
  }
  return along.total();
}

float EdenBlock::norm_of(const uint8_t* codes, size_t count) const noexcept {
  const uint32_t b = bits_;
  if (b == 1) return static_cast<float>(count);
  const float* values = kEdenValues + (1U << b);
  Sum8 norm;
  for (size_t i = 0; i < count; ++i) {
    const size_t place = i * b;  // three bits may be in two bytes
    const uint32_t bytes = codes[place / 8] | uint32_t{codes[place / 8 + 1]} << 8;
    const float value = values[(bytes >> (place % 8)) & ((1U << b) - 1U)];
    norm.add(i, value * value);
  }
  return norm.total();
}

/// `root` = R
void EdenBlock::plant_tree(float root) noexcept {
  const float* thresholds = thresholds_of(bits_);
  for (uint32_t nodes = 1; nodes < 1U << (bits_ - 1U); nodes *= 2) {  // of one depth and one sign
    const uint32_t levels = (1U << (bits_ - 1U)) / nodes;             // below each of them
    for (uint32_t node = 0; node < nodes; ++node) {
      const uint32_t complement = 0U - Traits::to_bits(thresholds[node * levels + levels / 2 - 1U] * root);
      tree_[2 * nodes + node] = complement;
      tree_[3 * nodes + node] = complement;
    }
  }
}

/// With one bit there are no thresholds.
float EdenBlock::quantize_signs(float* y, size_t count) noexcept {
  Sum8 along;
  for (size_t i = 0; i < count; i += 8) {
    SKINK_UNROLL_8
    for (size_t j = 0; j < 8; ++j) along.add(j, __builtin_fabsf(y[i + j]));
  }
  pack_signs({y, count}, reinterpret_cast<uint8_t*>(y));
  return along.total();
}

float EdenBlock::quantize(Span<float> numbers, float squares) noexcept {
  float* y = numbers.data();
  const size_t count = numbers.size();
  for (size_t i = count; i % 8 != 0; ++i) y[i] = 0.0F;  // up to a whole byte; changes no sum
  if (bits_ == 1) return quantize_signs(y, count);
  plant_tree(Traits::sqrt(squares / static_cast<float>(count)));
  return bits_ == 2 ? quantize<2>(y, count) : bits_ == 3 ? quantize<3>(y, count) : quantize<4>(y, count);
}

uint16_t EdenBlock::encode(uint32_t first, Span<float> numbers) noexcept {
  const uint32_t largest = largest_bits(numbers);
  uint16_t scale = 0;
  if (largest >= kSmallestNormalBits) {
    int32_t exponent = static_cast<int32_t>(largest >> 23) - 127;
    exponent = exponent > 100 ? 100 : exponent < -100 ? -100 : exponent;
    const float squares = rotate(first, numbers, Traits::power_of_two(static_cast<float>(-exponent)));
    const float along = quantize(numbers, squares);
    const float ratio = least_squares_
                            ? along / norm_of(reinterpret_cast<const uint8_t*>(numbers.data()), numbers.size())
                            : squares / along;
    scale = scale_rounded(ratio * Traits::power_of_two(static_cast<float>(exponent)));
  }
  if (scale == 0) memset(numbers.data(), 0, (bits_ * numbers.size() + 7) / 8);
  return scale;
}

void EdenBlock::decode(uint32_t first, uint16_t scale, Span<float> numbers) noexcept {
  const size_t count = numbers.size();
  float* t = numbers.data();
  const float s = scale_value(scale);
  if (scale == 0) {
    for (float& number : numbers) number = 0.0F;
    return;
  }
  const uint32_t log = log2_of(count);
  const size_t power = size_t{1} << log;
  const size_t rest = count - power;
  if (rest > 0) {
    hadamard(t + rest, log);
    flip(numbers.subspan(rest), first + static_cast<uint32_t>(rest), kSecondSigns, kInverseRoots[log]);
  }
  hadamard(t, log);
  flip(numbers.first(power), first, 0, kInverseRoots[log]);
  for (size_t i = 0; i < count; ++i) t[i] *= s;
}

}  // namespace skink::codec
