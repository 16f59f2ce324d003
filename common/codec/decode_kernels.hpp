#pragma once
/// @file
/// Codes to numbers as a host decodes them, which takes a whole cohort's changes in: loops that compilers make SIMD of,
/// and tables. The same bits as DenseCoder's loops, which firmware has. Private to the codecs; docs/codec.md, sections
/// 4 and 5.

#include "pieces.hpp"

namespace skink::codec {

/// Does this target decode with them? Firmware has no room for 20 KB of code and 17 KB of tables.
#if defined(__SSE2__) || defined(__aarch64__)
#define SKINK_HAS_DECODE_KERNELS 1
#else
#define SKINK_HAS_DECODE_KERNELS 0
#endif
inline constexpr bool kHasDecodeKernels = SKINK_HAS_DECODE_KERNELS != 0;

/// Codes of at most kBlock numbers, for one instruction set.
struct DecodeKernels {
  const char* instruction_set;
  /// numbers = float(level) * scale. @returns false for codes that nobody writes.
  bool (*levels)(Quantizer quantizer, const uint8_t* codes, float scale, Span<float> numbers);
  /// numbers = scale, negated where the bit is 1. @returns as above.
  bool (*signs)(const uint8_t* codes, float scale, Span<float> numbers);
  /// A block of kBlock numbers of eden.
  /// @param[in] signs  the first sign bits of its rotation
  void (*eden)(uint32_t bits, const uint8_t* codes, const uint32_t* signs, float scale, float* numbers);
  /// Eight blocks of random words.
  arithmetic::PhiloxBlocks* philox;
};

/// Those that this processor can run, the fastest last.
Span<const DecodeKernels> decode_kernels() noexcept;

}  // namespace skink::codec
