#pragma once
/// @file
/// Integers and floats of files and messages: little-endian, read byte by byte, never by casting a struct.

#include <stdint.h>

#include "skink/common/arithmetic/real.hpp"

namespace skink {

/// Loads the number at p: 2 readable bytes, any alignment.
inline uint16_t load_u16(const uint8_t* p) noexcept { return static_cast<uint16_t>(p[0] | (p[1] << 8)); }

/// Whether this machine keeps numbers in memory as files and messages do.
inline constexpr bool kIsLittleEndian = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;

/// Loads the number at p: 4 readable bytes, 8 for u64; any alignment. Every pattern is accepted: a loaded float may be
/// NaN or infinite, and a zero keeps its sign.
inline uint32_t load_u32(const uint8_t* p) noexcept {
  return uint32_t{p[0]} | (uint32_t{p[1]} << 8) | (uint32_t{p[2]} << 16) | (uint32_t{p[3]} << 24);
}
inline uint64_t load_u64(const uint8_t* p) noexcept { return load_u32(p) | (uint64_t{load_u32(p + 4)} << 32); }
inline float load_float(const uint8_t* p) noexcept { return arithmetic::RealTraits<float>::from_bits(load_u32(p)); }

/// Stores `value` at p: 2, 4 or 8 writable bytes, any alignment.
inline void store_u16(uint8_t* p, uint16_t value) noexcept {
  p[0] = static_cast<uint8_t>(value);
  p[1] = static_cast<uint8_t>(value >> 8);
}
inline void store_u32(uint8_t* p, uint32_t value) noexcept {
  store_u16(p, static_cast<uint16_t>(value));
  store_u16(p + 2, static_cast<uint16_t>(value >> 16));
}
inline void store_u64(uint8_t* p, uint64_t value) noexcept {
  store_u32(p, static_cast<uint32_t>(value));
  store_u32(p + 4, static_cast<uint32_t>(value >> 32));
}
/// Stores a float at p, 4 bytes; -0 becomes +0 (docs/arithmetic.md, section 1).
inline void store_float(uint8_t* p, float value) noexcept {
  store_u32(p, arithmetic::RealTraits<float>::to_bits(arithmetic::canonical(value)));
}

}  // namespace skink
