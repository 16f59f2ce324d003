#pragma once
/// @file
/// CRC-32 as Ethernet and zlib compute it (polynomial 0x04C11DB7, reflected). Detects damage, not forgery.

#include <stdint.h>

#include "skink/common/span.hpp"

namespace skink {

uint32_t crc32(Bytes bytes) noexcept;

}  // namespace skink
