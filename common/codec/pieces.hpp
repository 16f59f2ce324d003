#pragma once
/// @file
/// What encoder and decoder share: how x is cut into segments, scales in 16 bits, levels, random words. Private to the
/// codecs; docs/codec.md, sections 2 to 4 and 6.

#include "skink/common/arithmetic/philox.hpp"
#include "skink/common/arithmetic/real.hpp"
#include "skink/common/codec/codec.hpp"

namespace skink::codec {

using arithmetic::Purpose;
using Traits = arithmetic::RealTraits<float>;

inline bool has_levels(Quantizer quantizer) noexcept {
  return quantizer == Quantizer::kInt8 || quantizer == Quantizer::kInt4 || quantizer == Quantizer::kTernary;
}

/// L: levels are -L..L.
inline int32_t largest_level(Quantizer quantizer) noexcept {
  return quantizer == Quantizer::kInt8 ? 127 : quantizer == Quantizer::kInt4 ? 7 : 1;
}

/// Of a survivor after top-k.
inline uint32_t value_bits(Quantizer quantizer) noexcept {
  switch (quantizer) {
    case Quantizer::kFloat32: return 32;
    case Quantizer::kInt8: return 8;
    case Quantizer::kInt4: return 4;
    default: return 1;
  }
}

/// Bytes of `survivors` values and so many bits that say where they are.
inline size_t packed_bytes(uint64_t position_bits, uint32_t survivors, Quantizer quantizer) noexcept {
  return static_cast<size_t>((position_bits + uint64_t{survivors} * value_bits(quantizer) + 7) / 8);
}

/// Golomb's parameter for `survivors` random positions among `trainable`; survivors >= 1.
inline uint32_t rice_parameter(size_t trainable, uint32_t survivors) noexcept {
  uint32_t parameter = 0;
  while (parameter < 30 && (uint64_t{survivors} << (parameter + 1)) * 1000 <= uint64_t{trainable} * 962) ++parameter;
  return parameter;
}

// ---- segments -------------------------------------------------------------------------------------------------------

/// Up to kBlock neighbouring numbers of x that share a scale, and where they are in the network.
struct Segment {
  uint32_t first = 0;  ///< in x
  uint32_t count = 0;
  uint32_t group = 0;  ///< number of the scale
  bool opens_group = true;
  uint8_t tensor = 0;          ///< that holds the first number
  uint32_t within_tensor = 0;  ///< place of the first number there
};

/// Goes over the segments of x in order.
class SegmentWalker {
 public:
  SegmentWalker(const Codec& codec, const nn::Network& network) noexcept
      : network_(&network),
        by_tensor_(codec.grouping == Grouping::kTensor && codec.quantizer != Quantizer::kFloat32 && !codec.selects()) {
    skip_empty();
    if (!at_end()) measure();
  }

  bool at_end() const noexcept { return segment_.first >= network_->trainable_count(); }
  const Segment& current() const noexcept { return segment_; }

  void next() noexcept {
    uint32_t left = segment_.count;
    segment_.first += left;
    segment_.opens_group = !by_tensor_;
    while (left > 0) {
      const uint32_t here = tensor().count - segment_.within_tensor;
      if (left < here) {
        segment_.within_tensor += left;
        break;
      }
      left -= here;
      segment_.within_tensor = 0;
      ++segment_.tensor;
      skip_empty();
      segment_.opens_group = true;
    }
    if (segment_.opens_group) ++segment_.group;
    if (!at_end()) measure();
  }

 private:
  const nn::Tensor& tensor() const noexcept { return network_->tensors()[segment_.tensor]; }

  void skip_empty() noexcept {
    while (segment_.tensor < network_->tensors().size() && (!tensor().trainable || tensor().count == 0)) {
      ++segment_.tensor;
    }
  }

  void measure() noexcept {
    const size_t left =
        by_tensor_ ? tensor().count - segment_.within_tensor : network_->trainable_count() - segment_.first;
    segment_.count = static_cast<uint32_t>(left < kBlock ? left : kBlock);
  }

  const nn::Network* network_;
  bool by_tensor_;
  Segment segment_;
};

/// Calls visit(offset in parameters, offset in the segment, count) for each run of a segment's numbers that lie side by
/// side among the parameters, until one is not kOk.
template <class Visit>
auto for_each_run(const nn::Network& network, const Segment& segment, Visit visit) noexcept {
  uint32_t done = 0;
  uint32_t within = segment.within_tensor;
  auto status = decltype(visit(uint32_t{}, uint32_t{}, uint32_t{})){};
  for (size_t t = segment.tensor; done < segment.count; ++t, within = 0) {
    const nn::Tensor& tensor = network.tensors()[t];
    if (!tensor.trainable) continue;
    const uint32_t left = segment.count - done;
    const uint32_t here = tensor.count - within < left ? tensor.count - within : left;
    status = visit(tensor.offset + within, done, here);
    if (status != decltype(status){}) return status;
    done += here;
  }
  return status;
}

/// Bytes of the codes of `count` numbers of a dense encoding.
inline size_t code_bytes(const Codec& codec, uint32_t count) noexcept {
  switch (codec.quantizer) {
    case Quantizer::kFloat32: return size_t{4} * count;
    case Quantizer::kInt8: return count;
    case Quantizer::kInt4: return (count + 1) / 2;
    case Quantizer::kTernary: return (count + 4) / 5;
    case Quantizer::kSign: return (count + 7) / 8;
    case Quantizer::kEden: return (size_t{codec.bits} * count + 7) / 8;
  }
  return 0;
}

inline size_t segment_bytes(const Codec& codec, const Segment& segment) noexcept {
  const bool has_scale = segment.opens_group && codec.quantizer != Quantizer::kFloat32;
  return (has_scale ? 2 : 0) + code_bytes(codec, segment.count);
}

// ---- scales ---------------------------------------------------------------------------------------------------------

constexpr uint32_t kMagnitudeMask = 0x7fffffffU;
constexpr uint32_t kInfinityBits = 0x7f800000U;
constexpr uint32_t kSmallestNormalBits = 0x00800000U;
constexpr uint32_t kLargestScale = 0xfeffU;
constexpr uint32_t kSmallestKey = kSmallestNormalBits >> 15;  ///< 0x100: of a scale, and of a survivor

inline uint32_t magnitude_bits(float value) noexcept { return Traits::to_bits(value) & kMagnitudeMask; }

/// `word` moved up by a bit, which becomes the carry of a + b. Optimization: an addition of 64 bits, two instructions.
inline uint32_t append_carry(uint32_t word, uint32_t a, uint32_t b) noexcept {
  return static_cast<uint32_t>(((uint64_t{word} << 32 | a) + (uint64_t{word} << 32 | b)) >> 32);
}
/// Appends whether x < 0, of a number that is no NaN.
inline uint32_t append_sign(uint32_t word, float x) noexcept {
  return append_carry(word, Traits::to_bits(x), 0x7fffffffU);
}

/// Largest magnitude, as bits; of infinities and NaNs kInfinityBits and more.
uint32_t largest_bits(Span<const float> numbers) noexcept;

inline uint16_t limited_scale(uint32_t bits, uint32_t rounded) noexcept {
  if (bits < kSmallestNormalBits) return 0;
  return static_cast<uint16_t>(rounded < kLargestScale ? rounded : kLargestScale);
}
/// scale16 of a number >= 0 (infinity: the largest).
inline uint16_t scale_rounded_up(float value) noexcept {
  const uint32_t bits = Traits::to_bits(value);
  return limited_scale(bits, (bits + 0x7fffU) >> 15);
}
inline uint16_t scale_rounded(float value) noexcept {
  const uint32_t bits = Traits::to_bits(value);
  return limited_scale(bits, (bits + 0x3fffU + ((bits >> 15) & 1U)) >> 15);
}
inline float scale_value(uint16_t scale) noexcept { return Traits::from_bits(uint32_t{scale} << 15); }
inline bool is_scale(uint16_t scale) noexcept {
  return scale == 0 || (scale >= kSmallestKey && scale <= kLargestScale);
}

/// Adds up |x| so that no sum of finite numbers overflows.
class MeanMagnitude {
 public:
  void add(Span<const float> numbers) noexcept;
  void add(float number) noexcept;
  float mean(uint32_t count) const noexcept { return (sum_ / static_cast<float>(count)) * 16777216.0F; }

 private:
  float sum_ = 0.0F;
};

// ---- levels ---------------------------------------------------------------------------------------------------------

/// Rounds to whole multiples of a scale.
struct Multiples {
  int32_t largest = 0;
  float inverse = 0.0F;  ///< of the scale; 0 for scale 0

  /// To the nearest whole number, half to even: after 1.5 * 2^23 floats have no fraction.
  int32_t nearest(float x) const noexcept {
    const int32_t q = static_cast<int32_t>(Traits::to_bits(x * inverse + 12582912.0F)) - 0x4b400000;
    return q > largest ? largest : q < -largest ? -largest : q;
  }
  /// |x * inverse| is at most `largest` and a rounding. So the second sum is exact and above -1: truncation is floor
  /// where q is to be kept, and the limit below it.
  int32_t stochastic(float x, uint32_t dither) const noexcept {
    const float shifted = x * inverse + Traits::from_bits(0x43000000U | dither);  // 128 + dither * 2^-16
    const auto q = static_cast<int32_t>(shifted + (static_cast<float>(largest) - 128.0F)) - largest;
    return q > largest ? largest : q;
  }
};

/// x in whole multiples of a scale.
class ScalarQuantizer {
 public:
  ScalarQuantizer(const Codec& codec, const Key& key) noexcept
      : multiples_{largest_level(codec.quantizer)},
        stochastic_(codec.rounding == Rounding::kStochastic),
        words_(key.seed, Purpose::kQuantizer, key.round, key.device) {}

  /// @param[in] largest  magnitude of the largest number of the group
  uint16_t scale_for(float largest) const noexcept {
    return scale_rounded_up(largest / static_cast<float>(multiples_.largest));
  }
  void set_scale(uint16_t scale) noexcept { multiples_.inverse = scale == 0 ? 0.0F : 1.0F / scale_value(scale); }

  int32_t level(float x, uint32_t index) noexcept;

  /// Levels of numbers first, first + 1, ...; `out` may be the memory of the numbers.
  void levels(uint32_t first, Span<const float> numbers, int8_t* out) noexcept;

 private:
  Multiples multiples_;
  bool stochastic_;
  arithmetic::RandomStream words_;
};

}  // namespace skink::codec
