/// @file
/// Putting bits, which firmware compiles for speed.

#include "range_coder.hpp"

namespace skink::codec {

/// The interval of an encoder while bits are put. Optimization: it stays in registers. On a Cortex-M4 a bit of a level,
/// with all that chooses its model, takes 24 instructions instead of 42, one of a row of zeros 12.
class Narrowing {
 public:
  explicit Narrowing(BitEncoder& encoder) noexcept : encoder_(encoder), low_(encoder.low_), high_(encoder.high_) {}
  void finish() noexcept {
    encoder_.low_ = low_;
    encoder_.high_ = high_;
  }

  inline __attribute__((always_inline)) void put(bool bit, BitModel& model) noexcept {
    // The upper word of a product is one instruction on a Cortex-M4.
    const auto below = static_cast<uint32_t>((uint64_t{high_ - low_} * (uint32_t{model.p} << 16)) >> 32);
    model.learn(bit);
    narrow(bit, below);
  }
  inline __attribute__((always_inline)) void put_plain(bool bit) noexcept { narrow(bit, (high_ - low_) >> 1); }

 private:
  inline __attribute__((always_inline)) void narrow(bool bit, uint32_t below) noexcept {
    const uint32_t mid = low_ + below;
    if (bit) {
      high_ = mid;
    } else {
      low_ = mid + 1;
    }
    if (((low_ ^ high_) >> 24) != 0) return;
    const uint64_t both = encoder_.shift(low_, high_);
    low_ = static_cast<uint32_t>(both);
    high_ = static_cast<uint32_t>(both >> 32);
  }

  BitEncoder& encoder_;
  uint32_t low_;
  uint32_t high_;
};

/// Writes the bytes that low and high share. @returns what is left of them, low in the lower half.
__attribute__((noinline)) uint64_t BitEncoder::shift(uint32_t low, uint32_t high) noexcept {
  do {
    write(high >> 24);
    low <<= 8;
    high = high << 8 | 0xffU;
  } while (((low ^ high) >> 24) == 0);
  return uint64_t{high} << 32 | low;
}

void BitEncoder::put(bool bit, BitModel& model) noexcept {
  Narrowing interval(*this);
  interval.put(bit, model);
  interval.finish();
}

void BitEncoder::put_zeros(uint32_t count, BitModel& model) noexcept {
  Narrowing interval(*this);
  BitModel learned = model;
  for (; count > 0; --count) interval.put(false, learned);
  model = learned;
  interval.finish();
}

void BitEncoder::put_plain(bool bit) noexcept {
  Narrowing interval(*this);
  interval.put_plain(bit);
  interval.finish();
}

LevelModel::LevelModel(Quantizer quantizer) noexcept
    : largest_(largest_level(quantizer)), ternary_(quantizer == Quantizer::kTernary) {}

void LevelModel::put(BitEncoder& coder, const int8_t* levels, uint32_t count) noexcept {
  Narrowing interval(coder);
  const uint32_t most = most_bits();
  LastTwo nonzero = nonzero_;
  for (uint32_t i = 0; i < count; ++i) {
    const int8_t level = levels[i];
    const bool is_zero = level == 0;
    interval.put(is_zero, zero_[nonzero.count()]);
    nonzero.add(!is_zero);
    if (is_zero) continue;
    interval.put_plain(level < 0);
    const auto magnitude = static_cast<uint32_t>(level < 0 ? -level : level);
    const auto bits = static_cast<uint32_t>(31 - __builtin_clz(magnitude));
    for (uint32_t j = 0; j < most; ++j) {
      interval.put(bits > j, more_[j]);
      if (bits == j) break;
    }
    if (bits == 0) continue;
    interval.put((magnitude >> (bits - 1) & 1U) != 0, first_[bits]);
    for (uint32_t k = bits - 1; k-- > 0;) interval.put_plain((magnitude >> k & 1U) != 0);
  }
  nonzero_ = nonzero;
  interval.finish();
}

}  // namespace skink::codec
