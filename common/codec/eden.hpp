#pragma once
/// @file
/// EDEN's blocks: rotate, find levels and scale, and back. Private to the codecs; docs/codec.md, section 5.

#include "decode_kernels.hpp"
#include "pieces.hpp"

namespace skink::codec {

/// What codes stand for, those of b bits from place 2^b: Lloyd-Max levels of a normal distribution, then the negative
/// ones.
constexpr float kEdenValues[32] = {
    0.0F,         0.0F,         1.0F,         -1.0F,        0.452780035F,  1.51041761F,   -0.452780035F,
    -1.51041761F, 0.245094179F, 0.756005281F, 1.34390928F,  2.1519457F,    -0.245094179F, -0.756005281F,
    -1.34390928F, -2.1519457F,  0.12839503F,  0.388048299F, 0.656759119F,  0.942340456F,  1.2562312F,
    1.61804639F,  2.06901723F,  2.73258957F,  -0.12839503F, -0.388048299F, -0.656759119F, -0.942340456F,
    -1.2562312F,  -1.61804639F, -2.06901723F, -2.73258957F};

/// The number that a code stands for, before the rotation back.
constexpr float eden_value(uint32_t bits, uint32_t code) noexcept { return kEdenValues[(1U << bits) + code]; }

/// One block, in place of its numbers.
class EdenBlock {
 public:
  EdenBlock(const Codec& codec, const Key& key) noexcept
      : bits_(codec.bits),
        least_squares_(codec.error_feedback),
        words_(key.seed, Purpose::kRotation, key.round, key.device) {}

  /// @param[in]     first    index of the first number in x
  /// @param[in,out] numbers  x, finite, at most kBlock, in memory for kBlock; afterwards it begins with the codes
  /// @returns the scale; 0: all numbers are to be 0.
  uint16_t encode(uint32_t first, Span<float> numbers) noexcept;

  /// The number that a code stands for, before the rotation back.
  float value(uint32_t code) const noexcept;

#if SKINK_HAS_DECODE_KERNELS
  /// The first sign bits of the rotation of kBlock numbers.
  const uint32_t* signs_of_block(uint32_t first, const DecodeKernels& kernels) noexcept;
#endif

  /// @param[in,out] numbers  values in, x' out.
  void decode(uint32_t first, uint16_t scale, Span<float> numbers) noexcept;

 private:
  float rotate(uint32_t first, Span<float> numbers, float shrink) noexcept;
  void flip(Span<float> numbers, uint32_t first, uint32_t second, float factor) noexcept;
  /// Codes of y over y. @returns <q, y>.
  float quantize(Span<float> numbers, float squares) noexcept;
  static float quantize_signs(float* y, size_t count) noexcept;
  template <uint32_t kBits>
  float quantize(float* y, size_t count) const noexcept;
  /// |q|^2. The byte after the codes is readable.
  float norm_of(const uint8_t* codes, size_t count) const noexcept;
  void plant_tree(float root) noexcept;

  /// Of this block: 2^32 - bits of a threshold for every node. First, so that an index is all there is to its address.
  uint32_t tree_[16] = {};
  uint8_t bits_;
  bool least_squares_;
  arithmetic::RandomStream words_;
#if SKINK_HAS_DECODE_KERNELS
  uint32_t signs_[4 * kBlock / 32] = {};  ///< of four blocks
  uint32_t signs_first_ = 1;              ///< of their numbers; at first of none
#endif
};

}  // namespace skink::codec
