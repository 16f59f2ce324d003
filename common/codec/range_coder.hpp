#pragma once
/// @file
/// A binary adaptive arithmetic coder without carries, after Mahoney's fpaq0 (public domain), and the models of levels
/// and of survivors. Private to the codecs; docs/codec.md, section 7.

#include "pieces.hpp"

namespace skink::codec {

constexpr uint16_t kHalf = 0x8000;

/// How likely a bit is 1.
struct BitModel {
  uint16_t p = kHalf;
  void learn(bool bit) noexcept {
    if (bit) {
      p = static_cast<uint16_t>(p + ((0xffffU - p) >> 4));
    } else {
      p = static_cast<uint16_t>(p - (p >> 4));
    }
  }
};

/// Writes into a buffer, and counts what does not fit.
class BitEncoder {
 public:
  explicit BitEncoder(MutableBytes out) noexcept : out_(out) {}

  void put(bool bit, BitModel& model) noexcept;
  /// `count` times 0.
  void put_zeros(uint32_t count, BitModel& model) noexcept;
  void put_plain(bool bit) noexcept;
  void finish() noexcept {
    if (low_ != 0) write((low_ >> 24) + 1U);
  }
  size_t written() const noexcept { return written_; }

 private:
  friend class Narrowing;
  uint64_t shift(uint32_t low, uint32_t high) noexcept;
  void write(uint32_t byte) noexcept {
    if (written_ < out_.size()) out_[written_] = static_cast<uint8_t>(byte);
    ++written_;
  }

  MutableBytes out_;
  size_t written_ = 0;
  uint32_t low_ = 0;
  uint32_t high_ = 0xffffffffU;
};

class BitDecoder {
 public:
  explicit BitDecoder(Bytes bytes) noexcept : bytes_(bytes) {
    for (int i = 0; i < 4; ++i) window_ = window_ << 8 | next();
  }

  bool get(BitModel& model) noexcept {
    const bool bit = narrow(model.p);
    model.learn(bit);
    return bit;
  }
  bool get_plain() noexcept { return narrow(kHalf); }

  /// Everything was read: has the encoding the length that its encoder gave it?
  bool ends_here() const noexcept { return bytes_.size() == shifted_ + (low_ != 0 ? 1U : 0U); }

 private:
  bool narrow(uint16_t p) noexcept {
    const uint32_t mid = low_ + static_cast<uint32_t>((uint64_t{high_ - low_} * p) >> 16);
    const bool bit = window_ <= mid;
    if (bit) {
      high_ = mid;
    } else {
      low_ = mid + 1;
    }
    while (((low_ ^ high_) >> 24) == 0) {
      low_ <<= 8;
      high_ = high_ << 8 | 0xffU;
      window_ = window_ << 8 | next();
      ++shifted_;
    }
    return bit;
  }
  uint32_t next() noexcept { return place_ < bytes_.size() ? bytes_[place_++] : 0U; }

  Bytes bytes_;
  size_t place_ = 0;
  size_t shifted_ = 0;
  uint32_t low_ = 0;
  uint32_t high_ = 0xffffffffU;
  uint32_t window_ = 0;
};

/// How many of the last two events were true.
class LastTwo {
 public:
  uint32_t count() const noexcept { return (last_ ? 1U : 0U) + (before_ ? 1U : 0U); }
  void add(bool event) noexcept {
    before_ = last_;
    last_ = event;
  }

 private:
  bool last_ = false;
  bool before_ = false;
};

/// Codes levels -L..L.
class LevelModel {
 public:
  explicit LevelModel(Quantizer quantizer) noexcept;

  void put(BitEncoder& coder, const int8_t* levels, uint32_t count) noexcept;

  /// @returns false for a level that does not exist.
  bool get(BitDecoder& coder, int32_t& level) noexcept {
    level = 0;
    const bool is_zero = coder.get(zero_[nonzero_.count()]);
    nonzero_.add(!is_zero);
    return is_zero || get_nonzero(coder, level);
  }

 private:
  uint32_t most_bits() const noexcept { return ternary_ ? 0U : largest_ == 7 ? 2U : 6U; }

  bool get_nonzero(BitDecoder& coder, int32_t& level) noexcept {
    const bool negative = coder.get_plain();
    uint32_t bits = 0;
    while (bits < most_bits() && coder.get(more_[bits])) ++bits;
    uint32_t magnitude = 1;
    for (uint32_t k = bits; k-- > 0;) {
      const bool bit = k + 1 == bits ? coder.get(first_[bits]) : coder.get_plain();
      magnitude = magnitude << 1 | (bit ? 1U : 0U);
    }
    level = negative ? -static_cast<int32_t>(magnitude) : static_cast<int32_t>(magnitude);
    return static_cast<int32_t>(magnitude) <= largest_;
  }

  int32_t largest_;
  bool ternary_;
  LastTwo nonzero_;
  BitModel zero_[3];
  BitModel more_[6];
  BitModel first_[7];
};

/// Codes which numbers survive, in groups of 16.
class SurvivorModel {
 public:
  static constexpr uint32_t kGroup = 16;

  BitModel& any() noexcept { return any_[groups_.count()]; }
  void begin_group(bool has_any) noexcept {
    groups_.add(has_any);
    seen_ = false;
    if (!has_any) last_ = false;
  }
  BitModel& survives() noexcept { return survives_[(last_ ? 1U : 0U) + (seen_ ? 2U : 0U)]; }
  void add(bool survives) noexcept {
    last_ = survives;
    seen_ = seen_ || survives;
  }
  /// Is the last number of a group that has a survivor known to be one?
  bool must_survive(bool is_last) const noexcept { return is_last && !seen_; }

 private:
  LastTwo groups_;
  bool seen_ = false;
  bool last_ = false;
  BitModel any_[3];
  BitModel survives_[4];
};

}  // namespace skink::codec
