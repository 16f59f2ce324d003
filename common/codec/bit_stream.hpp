#pragma once
/// @file
/// Bits, lowest first, in bounded memory. Private to the codecs; docs/codec.md, section 2.

#include "skink/common/span.hpp"

namespace skink::codec {

/// Writes into a buffer, and counts what does not fit.
class BitWriter {
 public:
  explicit BitWriter(MutableBytes out) noexcept : out_(out) {}

  /// The low `count` bits of value, at most 24; bits above must be 0.
  void put(uint32_t value, uint32_t count) noexcept {
    waiting_ |= value << filled_;
    for (filled_ += count; filled_ >= 8; filled_ -= 8, waiting_ >>= 8) write(static_cast<uint8_t>(waiting_));
  }
  /// At most 32.
  void put_long(uint32_t value, uint32_t count) noexcept {
    if (count > 24) {
      put(value & 0xffffU, 16);
      value >>= 16;
      count -= 16;
    }
    put(value, count);
  }
  /// `count` ones and a zero.
  void put_unary(uint32_t count) noexcept {
    for (; count >= 24; count -= 24) put(0xffffffU, 24);
    put((1U << count) - 1U, count + 1);
  }
  void finish() noexcept {
    if (filled_ > 0) write(static_cast<uint8_t>(waiting_));
    filled_ = 0;
  }
  size_t written() const noexcept { return written_; }

 private:
  void write(uint8_t byte) noexcept {
    if (written_ < out_.size()) out_[written_] = byte;
    ++written_;
  }

  MutableBytes out_;
  size_t written_ = 0;
  uint32_t waiting_ = 0;
  uint32_t filled_ = 0;  ///< less than 8 between calls
};

class BitReader {
 public:
  BitReader() noexcept = default;
  explicit BitReader(Bytes bytes) noexcept : bytes_(bytes) {}

  /// At most 32 bits. @returns false after the end.
  bool take(uint32_t count, uint32_t& value) noexcept {
    while (filled_ < count) {
      if (place_ == bytes_.size()) return false;
      waiting_ |= uint64_t{bytes_[place_++]} << filled_;
      filled_ += 8;
    }
    value = static_cast<uint32_t>(waiting_ & ((uint64_t{1} << count) - 1U));
    waiting_ >>= count;
    filled_ -= count;
    return true;
  }
  /// Ones up to a zero, at most `limit` of them.
  bool take_unary(uint32_t limit, uint32_t& count) noexcept {
    uint32_t bit = 0;
    for (count = 0; take(1, bit); ++count) {
      if (bit == 0) return true;
      if (count == limit) return false;
    }
    return false;
  }
  /// Is everything read but zeros in the last byte?
  bool ends_here() const noexcept { return place_ == bytes_.size() && waiting_ == 0 && filled_ < 8; }

 private:
  Bytes bytes_;
  size_t place_ = 0;
  uint64_t waiting_ = 0;
  uint32_t filled_ = 0;
};

}  // namespace skink::codec
