#pragma once
/// @file
/// CRC-32 as Ethernet and zlib compute it (polynomial 0x04C11DB7, reflected). Detects damage, not forgery.

#include <stdint.h>

#include "skink/common/span.hpp"

namespace skink {

/// The checksum of `bytes`; 0 for none. crc32 of "123456789" is 0xCBF43926. No table: 8 steps a byte.
///
/// @param[in] before  the checksum of what comes before `bytes`, if they are a part of something; else 0
uint32_t crc32(Bytes bytes, uint32_t before = 0) noexcept;

}  // namespace skink
