#pragma once
/// @file
/// Which numbers survive top-k, and how their positions and values are read back. Private to the codecs; docs/codec.md,
/// sections 6 and 7.

#include "bit_stream.hpp"
#include "pieces.hpp"
#include "range_coder.hpp"
#include "skink/common/status.hpp"

namespace skink::codec {

constexpr uint8_t kRangeMode = 0xfe;
constexpr uint8_t kBitmapMode = 0xff;
constexpr uint8_t kLargestRice = 30;

/// Finds the threshold in two passes and 1 KB: exponents first, then fractions at the exponent that decides.
class Selector {
 public:
  explicit Selector(uint32_t wanted) noexcept : wanted_(wanted) {}

  void count_exponents(Span<const float> numbers) noexcept;
  /// After the first pass.
  bool all_finite() const noexcept { return counts_[255] == 0; }

  /// Between the passes. @returns whether the second one is needed.
  bool choose_exponent() noexcept;
  void count_fractions(Span<const float> numbers) noexcept;
  void choose_fraction() noexcept;

  uint32_t survivors() const noexcept { return above_ + ties_; }
  /// Numbers with a larger key survive, and the first ties() of those with this one.
  uint32_t key() const noexcept { return key_; }
  uint32_t ties() const noexcept { return ties_; }

 private:
  uint32_t counts_[256] = {};
  uint32_t wanted_;
  uint32_t exponent_ = 0;
  uint32_t above_ = 0;
  uint32_t ties_ = 0;
  uint32_t key_ = kSmallestKey;
};

/// Decides, number by number, which survive.
class TopKFilter {
 public:
  explicit TopKFilter(const Selector& selector) noexcept : key_(selector.key()), ties_(selector.ties()) {}

  /// The next survivor of [x, end), or end.
  const float* next(const float* x, const float* end) noexcept;
  bool passes(float x) noexcept {
    const uint32_t key = magnitude_bits(x) >> 15;
    if (key < key_) return false;
    return key > key_ || take_tie();
  }

 private:
  bool take_tie() noexcept {
    if (ties_ == 0) return false;
    --ties_;
    return true;
  }
  uint32_t key_;
  uint32_t ties_;
};

/// Reads the survivors of an encoding one after another.
class SurvivorReader {
 public:
  /// @returns kOk, or kDamaged for a header that nobody writes.
  Status begin(const Codec& codec, const nn::Network& network, Bytes encoded) noexcept;

  /// The next survivor, if there is one: has_value() says so. kDamaged for bytes that nobody writes, also after the
  /// last one.
  Status next() noexcept;

  bool has_value() const noexcept { return has_value_; }
  uint32_t position() const noexcept { return position_; }
  float value() const noexcept { return value_; }

 private:
  Status finish(bool sound) noexcept;
  Status next_rice() noexcept;
  Status next_in_bitmap() noexcept;
  Status next_in_range() noexcept;
  Status take_value() noexcept;
  Status take_coded_value() noexcept;

  Codec codec_;
  uint8_t mode_ = 0;
  uint32_t size_ = 0;  ///< n
  uint32_t left_ = 0;  ///< survivors to come
  uint32_t next_ = 0;  ///< first position that may be one
  float scale_ = 0.0F;
  BitReader bits_;
  BitDecoder coded_{{}};
  LevelModel levels_{Quantizer::kTernary};
  SurvivorModel survivors_;
  bool in_group_ = false;  ///< of 16, with a survivor
  bool has_value_ = false;
  uint32_t position_ = 0;
  float value_ = 0.0F;
};

}  // namespace skink::codec
