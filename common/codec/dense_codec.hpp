#pragma once
/// @file
/// Codes of a segment's numbers, without positions and without entropy coding. Private to the codecs; docs/codec.md,
/// sections 3 to 5.

#include "eden.hpp"
#include "pieces.hpp"
#include "skink/common/status.hpp"

namespace skink::codec {

class DenseCoder {
 public:
  DenseCoder(const Codec& codec, const Key& key) noexcept : codec_(codec), quantizer_(codec, key), eden_(codec, key) {}

  /// What a group's scale is made of, where it is not eden's: added up over its numbers.
  class Scale {
   public:
    void add(Span<const float> numbers, Quantizer quantizer) noexcept;
    bool all_finite() const noexcept { return largest_ < kInfinityBits; }
    uint16_t finish(const DenseCoder& coder) const noexcept;

   private:
    uint32_t largest_ = 0;
    uint32_t count_ = 0;
    MeanMagnitude mean_;
  };

  /// Of a group that is one segment. eden: the codes are written, too, over the numbers.
  uint16_t scale_of(uint32_t first, Span<float> numbers) noexcept;

  /// Writes the codes over the numbers.
  ///
  /// @param[in,out] numbers  x (eden: the codes already); afterwards their memory begins with the codes.
  /// @returns how many bytes.
  size_t encode(uint32_t first, uint16_t scale, Span<float> numbers) noexcept;

  /// With kMany many numbers at a time, as fast as this processor can; without one by one, in little code.
  ///
  /// @param[in]  codes    code_bytes() of them; not the memory of `numbers`.
  /// @param[out] numbers  x'; unspecified on errors.
  /// @returns kOk; kDamaged for codes that nobody writes.
  template <bool kMany = kHasDecodeKernels>
  Status decode(uint32_t first, uint16_t scale, const uint8_t* codes, Span<float> numbers) noexcept;

  /// The same with these kernels.
  Status decode_with(const DecodeKernels& kernels, uint32_t first, uint16_t scale, const uint8_t* codes,
                     Span<float> numbers) noexcept;

  ScalarQuantizer& quantizer() noexcept { return quantizer_; }

 private:
  void encode_levels(uint32_t first, uint16_t scale, Span<float> numbers, uint8_t* out) noexcept;
  Status decode_levels(const uint8_t* codes, Span<float> numbers) const noexcept;
  Status decode_bits(const uint8_t* codes, Span<float> numbers) const noexcept;
  uint32_t width() const noexcept { return codec_.is_eden() ? codec_.bits : 1U; }

  Codec codec_;
  ScalarQuantizer quantizer_;
  EdenBlock eden_;
};

template <>
Status DenseCoder::decode<false>(uint32_t first, uint16_t scale, const uint8_t* codes, Span<float> numbers) noexcept;
template <>
Status DenseCoder::decode<true>(uint32_t first, uint16_t scale, const uint8_t* codes, Span<float> numbers) noexcept;

}  // namespace skink::codec
