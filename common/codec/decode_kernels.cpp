#include "decode_kernels.hpp"

#if SKINK_HAS_DECODE_KERNELS

#include <string.h>

#include "dense_codec.hpp"
#include "loop_unroll.hpp"
#include "skink/common/little_endian.hpp"

namespace skink::codec {
namespace {

#define SKINK_INLINE inline __attribute__((always_inline))

constexpr uint32_t kSignBit = 0x80000000U;

/// 2^i: SSE2 cannot shift each number by another count.
struct Powers {
  uint32_t bits[32] = {};
  constexpr Powers() {
    for (uint32_t i = 0; i < 32; ++i) bits[i] = 1U << i;
  }
};
constexpr Powers kPowers;

/// -x where bit i is 1.
SKINK_INLINE float flip(float x, uint32_t bits, size_t i) noexcept {
  return Traits::from_bits(Traits::to_bits(x) ^ ((bits & kPowers.bits[i]) != 0 ? kSignBit : 0U));
}

using Floats4 = float __attribute__((vector_size(16)));

SKINK_INLINE Floats4 load(const float* from) noexcept {
  Floats4 to;
  memcpy(&to, from, sizeof to);
  return to;
}
SKINK_INLINE void store(float* to, Floats4 from) noexcept { memcpy(to, &from, sizeof from); }

// ---- levels ---------------------------------------------------------------------------------------------------------

constexpr int8_t kNoLevel = -128;  ///< below all levels

/// What a byte of five ternary levels stands for.
struct TernaryBytes {
  int8_t rows[256][8] = {};
  constexpr TernaryBytes() {
    for (uint32_t code = 0; code < 256; ++code) {
      uint32_t sum = code;
      for (uint32_t k = 0; k < 5; ++k, sum /= 3) {
        rows[code][k] = code > 242 ? kNoLevel : static_cast<int8_t>(static_cast<int32_t>(sum % 3) - 1);
      }
    }
  }
};
constexpr TernaryBytes kTernaryBytes;

/// @returns whether all levels are -largest or more.
SKINK_INLINE bool scale_levels(const int8_t* levels, int32_t largest, float scale, Span<float> numbers) noexcept {
  float* __restrict out = numbers.data();
  const size_t count = numbers.size();
  int8_t lowest = 0;
  for (size_t i = 0; i < count; ++i) lowest = levels[i] < lowest ? levels[i] : lowest;
  for (size_t i = 0; i < count; ++i) out[i] = static_cast<float>(levels[i]) * scale;
  return lowest >= -largest;
}

/// Two levels in a byte. `levels` has room for one more.
SKINK_INLINE bool unpack_int4(const uint8_t* codes, size_t count, int8_t* __restrict levels) noexcept {
  for (size_t i = 0; i < (count + 1) / 2; ++i) {
    levels[2 * i] = static_cast<int8_t>(((codes[i] & 15) ^ 8) - 8);
    levels[2 * i + 1] = static_cast<int8_t>(((codes[i] >> 4) ^ 8) - 8);
  }
  return count % 2 == 0 || codes[count / 2] >> 4 == 0;
}

/// Five levels in a byte. `levels` has room for eight more.
SKINK_INLINE bool unpack_ternary(const uint8_t* codes, size_t count, int8_t* __restrict levels) noexcept {
  for (size_t i = 0; i < count; i += 5) memcpy(levels + i, kTernaryBytes.rows[codes[i / 5]], 8);
  uint32_t end = 243;  // of the sums of the last byte, if it holds fewer
  for (size_t k = count; k % 5 != 0; ++k) end /= 3;
  return count == 0 || codes[(count - 1) / 5] < end;
}

SKINK_INLINE bool levels(Quantizer quantizer, const uint8_t* codes, float scale, Span<float> numbers) noexcept {
  if (quantizer == Quantizer::kInt8) {
    return scale_levels(reinterpret_cast<const int8_t*>(codes), 127, scale, numbers);
  }
  int8_t unpacked[kBlock + 8] = {};
  const bool is_four = quantizer == Quantizer::kInt4;
  const bool is_padded = is_four ? unpack_int4(codes, numbers.size(), unpacked)  //
                                 : unpack_ternary(codes, numbers.size(), unpacked);
  return scale_levels(unpacked, is_four ? 7 : 1, scale, numbers) && is_padded;
}

// ---- signs ----------------------------------------------------------------------------------------------------------

SKINK_INLINE bool signs(const uint8_t* codes, float scale, Span<float> numbers) noexcept {
  float* __restrict out = numbers.data();
  const size_t count = numbers.size();
  size_t i = 0;
  for (; i + 32 <= count; i += 32) {
    const uint32_t bits = load_u32(codes + i / 8);
    for (uint32_t k = 0; k < 32; ++k) out[i + k] = flip(scale, bits, k);
  }
  for (; i < count; ++i) out[i] = flip(scale, codes[i / 8], i % 8);
  return count % 8 == 0 || codes[count / 8] >> (count % 8) == 0;
}

// ---- eden -----------------------------------------------------------------------------------------------------------

template <class T>
SKINK_INLINE constexpr void butterfly(T& a, T& b) noexcept {
  const T difference = a - b;
  a += b;
  b = difference;
}

/// Codes of eden in a row of a table: all in a byte; of three bits two.
constexpr uint32_t codes_in_row(uint32_t bits) { return bits == 3 ? 2 : 8 / bits; }

/// What so many codes stand for, after the first stages of the Hadamard transform: those among themselves.
template <uint32_t kBits>
struct EdenRows {
  static constexpr uint32_t kWidth = codes_in_row(kBits);
  static constexpr uint32_t kRows = 1U << (kBits * kWidth);
  alignas(32) float rows[kRows][kWidth] = {};

  constexpr EdenRows() {
    for (uint32_t code = 0; code < kRows; ++code) {
      float* row = rows[code];
      for (uint32_t k = 0; k < kWidth; ++k) row[k] = eden_value(kBits, (code >> (kBits * k)) & ((1U << kBits) - 1U));
      for (uint32_t h = 1; h < kWidth; h *= 2) {
        for (uint32_t k = 0; k < kWidth; ++k) {
          if ((k & h) == 0) butterfly(row[k], row[k + h]);
        }
      }
    }
  }
};
template <uint32_t kBits>
constexpr EdenRows<kBits> kEdenRows;

/// Eight numbers after three stages, from two rows of four.
SKINK_INLINE void transform_8(const uint8_t* codes, const EdenRows<2>& table, Floats4& low, Floats4& high) noexcept {
  low = load(table.rows[codes[0]]);
  high = load(table.rows[codes[1]]);
  butterfly(low, high);
}

/// The same from four rows of two.
template <uint32_t kBits>
SKINK_INLINE void transform_8(const uint8_t* codes, const EdenRows<kBits>& table, Floats4& low,
                              Floats4& high) noexcept {
  uint32_t word = 0;
  for (uint32_t k = 0; k < kBits; ++k) word |= uint32_t{codes[k]} << (8 * k);
  constexpr uint32_t kMask = (1U << (2 * kBits)) - 1U;
  const float* a = table.rows[word & kMask];
  const float* b = table.rows[(word >> (2 * kBits)) & kMask];
  const float* c = table.rows[(word >> (4 * kBits)) & kMask];
  const float* d = table.rows[word >> (6 * kBits)];
  Floats4 even{a[0], a[1], c[0], c[1]};
  Floats4 odd{b[0], b[1], d[0], d[1]};
  butterfly(even, odd);
  low = Floats4{even[0], even[1], odd[0], odd[1]};
  high = Floats4{even[2], even[3], odd[2], odd[3]};
  butterfly(low, high);
}

/// Two stages of four numbers.
template <class T>
SKINK_INLINE void transform_4(T (&v)[4]) noexcept {
  butterfly(v[0], v[1]), butterfly(v[2], v[3]);
  butterfly(v[0], v[2]), butterfly(v[1], v[3]);
}

/// 32 numbers after five stages.
template <uint32_t kBits>
SKINK_INLINE void transform_32(const uint8_t* codes, const EdenRows<kBits>& table, float* __restrict t) noexcept {
  Floats4 low[4];
  Floats4 high[4];
  SKINK_UNROLL_4
  for (uint32_t k = 0; k < 4; ++k) transform_8(codes + kBits * k, table, low[k], high[k]);
  transform_4(low);
  transform_4(high);
  SKINK_UNROLL_4
  for (uint32_t k = 0; k < 4; ++k) {
    store(t + 8 * k, low[k]);
    store(t + 8 * k + 4, high[k]);
  }
}

/// The same from four rows of eight. Optimization: the compiler's own vectors are as wide as the instruction set's; a
/// seventh less than with Floats4 on AVX2.
SKINK_INLINE void transform_32(const uint8_t* codes, const EdenRows<1>& table, float* __restrict t) noexcept {
  const float* a = table.rows[codes[0]];
  const float* b = table.rows[codes[1]];
  const float* c = table.rows[codes[2]];
  const float* d = table.rows[codes[3]];
  SKINK_KEEP_LOOP
  for (uint32_t i = 0; i < 8; ++i) {
    float v[4] = {a[i], b[i], c[i], d[i]};
    transform_4(v);
    t[i] = v[0];
    t[i + 8] = v[1];
    t[i + 16] = v[2];
    t[i + 24] = v[3];
  }
}

/// The last three stages, at distances 32, 64 and 128, and what makes x' of t.
SKINK_INLINE void finish_block(const float* t, const uint32_t* signs, float factor, float* __restrict out) noexcept {
  for (uint32_t i = 0; i < 32; ++i) {
    float v0 = t[i];
    float v1 = t[i + 32];
    float v2 = t[i + 64];
    float v3 = t[i + 96];
    float v4 = t[i + 128];
    float v5 = t[i + 160];
    float v6 = t[i + 192];
    float v7 = t[i + 224];
    butterfly(v0, v1), butterfly(v2, v3), butterfly(v4, v5), butterfly(v6, v7);
    butterfly(v0, v2), butterfly(v1, v3), butterfly(v4, v6), butterfly(v5, v7);
    butterfly(v0, v4), butterfly(v1, v5), butterfly(v2, v6), butterfly(v3, v7);
    out[i] = flip(v0, signs[0], i) * factor;
    out[i + 32] = flip(v1, signs[1], i) * factor;
    out[i + 64] = flip(v2, signs[2], i) * factor;
    out[i + 96] = flip(v3, signs[3], i) * factor;
    out[i + 128] = flip(v4, signs[4], i) * factor;
    out[i + 160] = flip(v5, signs[5], i) * factor;
    out[i + 192] = flip(v6, signs[6], i) * factor;
    out[i + 224] = flip(v7, signs[7], i) * factor;
  }
}

template <uint32_t kBits>
SKINK_INLINE void eden_block(const uint8_t* codes, const uint32_t* signs, float scale, float* numbers) noexcept {
  static_assert(kBlock == 256, "eight times 32");
  alignas(32) float t[kBlock];
  for (uint32_t i = 0; i < kBlock; i += 32) transform_32(codes + i * kBits / 8, kEdenRows<kBits>, t + i);
  finish_block(t, signs, scale * 0.0625F, numbers);  // C(256) is a power of two: t * C is exact, and so is C * scale
}

SKINK_INLINE void eden(uint32_t bits, const uint8_t* codes, const uint32_t* signs, float scale,
                       float* numbers) noexcept {
  switch (bits) {
    case 1: return eden_block<1>(codes, signs, scale, numbers);
    case 2: return eden_block<2>(codes, signs, scale, numbers);
    case 3: return eden_block<3>(codes, signs, scale, numbers);
    default: return eden_block<4>(codes, signs, scale, numbers);
  }
}

// ---- random words ---------------------------------------------------------------------------------------------------

/// arithmetic::philox() of eight blocks, in a loop that becomes SIMD: the rounds are unrolled, so it is the only one.
/// Optimization: two fifths of the time of eight calls.
SKINK_INLINE void philox_8(uint64_t seed, uint32_t block, uint32_t purpose, uint32_t round, uint32_t device,
                           uint32_t* __restrict words) noexcept {
  for (uint32_t i = 0; i < 8; ++i) {
    uint32_t c0 = block + i;
    uint32_t c1 = purpose;
    uint32_t c2 = round;
    uint32_t c3 = device;
    auto k0 = static_cast<uint32_t>(seed);
    auto k1 = static_cast<uint32_t>(seed >> 32);
    SKINK_UNROLL_16
    for (uint32_t r = 0; r < 10; ++r) {
      const uint64_t p0 = uint64_t{0xD2511F53U} * c0;
      const uint64_t p1 = uint64_t{0xCD9E8D57U} * c2;
      c0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
      c1 = static_cast<uint32_t>(p1);
      c2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
      c3 = static_cast<uint32_t>(p0);
      k0 += 0x9E3779B9U;
      k1 += 0xBB67AE85U;
    }
    words[4 * i] = c0;
    words[4 * i + 1] = c1;
    words[4 * i + 2] = c2;
    words[4 * i + 3] = c3;
  }
}

// ---- instruction sets -----------------------------------------------------------------------------------------------

// NOLINTBEGIN(bugprone-macro-parentheses): no attribute stands in parentheses
#define SKINK_KERNELS(name, attributes)                                                                            \
  attributes bool levels_##name(Quantizer quantizer, const uint8_t* codes, float scale, Span<float> numbers) {     \
    return levels(quantizer, codes, scale, numbers);                                                               \
  }                                                                                                                \
  attributes bool signs_##name(const uint8_t* codes, float scale, Span<float> numbers) {                           \
    return signs(codes, scale, numbers);                                                                           \
  }                                                                                                                \
  attributes void eden_##name(uint32_t bits, const uint8_t* codes, const uint32_t* signs, float scale, float* x) { \
    eden(bits, codes, signs, scale, x);                                                                            \
  }                                                                                                                \
  attributes void philox_##name(uint64_t seed, uint32_t block, uint32_t purpose, uint32_t round, uint32_t device,  \
                                uint32_t* words) noexcept {                                                        \
    philox_8(seed, block, purpose, round, device, words);                                                          \
  }

// NOLINTEND(bugprone-macro-parentheses)

SKINK_KERNELS(plain, )
#if defined(__x86_64__)
SKINK_KERNELS(avx2, __attribute__((target("avx2"))))
#endif

constexpr DecodeKernels kKernels[] = {
    {"plain", levels_plain, signs_plain, eden_plain, philox_plain},
#if defined(__x86_64__)
    {"avx2", levels_avx2, signs_avx2, eden_avx2, philox_avx2},
#endif
};

}  // namespace

Span<const DecodeKernels> decode_kernels() noexcept {
#if defined(__x86_64__)
  return {kKernels, __builtin_cpu_supports("avx2") != 0 ? size_t{2} : size_t{1}};
#else
  return {kKernels, 1};
#endif
}

const uint32_t* EdenBlock::signs_of_block(uint32_t first, const DecodeKernels& kernels) noexcept {
  constexpr uint32_t kFour = 4 * kBlock;
  const uint32_t first_of_four = first / kFour * kFour;
  if (signs_first_ != first_of_four) words_.blocks(first_of_four / 128, kernels.philox, signs_);
  signs_first_ = first_of_four;
  return signs_ + (first - first_of_four) / 32;
}

Status DenseCoder::decode_with(const DecodeKernels& kernels, uint32_t first, uint16_t scale, const uint8_t* codes,
                               Span<float> numbers) noexcept {
  const Quantizer quantizer = codec_.quantizer;
  const float s = scale_value(scale);
  bool is_sound = true;
  if (quantizer == Quantizer::kFloat32 && kIsLittleEndian) {
    memcpy(numbers.data(), codes, sizeof(float) * numbers.size());
  } else if (has_levels(quantizer)) {
    is_sound = kernels.levels(quantizer, codes, s, numbers);
  } else if (quantizer == Quantizer::kSign) {
    is_sound = kernels.signs(codes, s, numbers);
  } else if (quantizer == Quantizer::kEden && scale != 0 && numbers.size() == kBlock) {
    kernels.eden(codec_.bits, codes, eden_.signs_of_block(first, kernels), s, numbers.data());
  } else {
    return decode<false>(first, scale, codes, numbers);
  }
  return is_sound ? Status::kOk : Status::kDamaged;
}

template <>
Status DenseCoder::decode<true>(uint32_t first, uint16_t scale, const uint8_t* codes, Span<float> numbers) noexcept {
  const Span<const DecodeKernels> all = decode_kernels();
  return decode_with(all[all.size() - 1], first, scale, codes, numbers);
}

}  // namespace skink::codec

#endif  // SKINK_HAS_DECODE_KERNELS
