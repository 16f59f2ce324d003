#pragma once
/// @file
/// EDEN's blocks: rotate, find levels and scale, and back. Private to the codecs; docs/codec.md, section 5.

#include "pieces.hpp"

namespace skink::codec {

/// One block, in place of its numbers.
class EdenBlock {
 public:
  EdenBlock(const Codec& codec, const Key& key) noexcept
      : bits_(codec.bits),
        least_squares_(codec.error_feedback),
        words_(key.seed, Purpose::kRotation, key.round, key.device) {}

  /// @param[in,out] numbers  x in, y out; at most kBlock, finite. `first` is the index of the first one in x.
  /// @returns the scale; 0: all numbers are to be 0, y is unspecified.
  uint16_t encode(uint32_t first, Span<float> numbers) noexcept;

  /// After encode(): the code of a number of y.
  uint32_t code(float y) const noexcept {
    return level(magnitude_bits(y)) | (is_below_zero(y) ? 1U << (bits_ - 1U) : 0U);
  }

  /// The number that a code stands for, before the rotation back.
  float value(uint32_t code) const noexcept;

  /// @param[in,out] numbers  values in, x' out.
  void decode(uint32_t first, uint16_t scale, Span<float> numbers) noexcept;

 private:
  /// How many thresholds are not above a magnitude: numbers that are not below 0 compare as their bits do.
  uint32_t level(uint32_t magnitude) const noexcept {
    uint32_t level = 0;
    if (bits_ == 4) level = magnitude >= thresholds_[3] ? 4U : 0U;
    if (bits_ >= 3) level += magnitude >= thresholds_[level + 1] ? 2U : 0U;
    if (bits_ >= 2) level += magnitude >= thresholds_[level] ? 1U : 0U;
    return level;
  }
  float rotate(uint32_t first, Span<float> numbers, float shrink) noexcept;
  void flip(Span<float> numbers, uint32_t first, uint32_t second, float factor) noexcept;

  uint8_t bits_;
  bool least_squares_;
  arithmetic::RandomStream words_;
  uint32_t thresholds_[7] = {};  ///< of this block, as bits
};

}  // namespace skink::codec
