#include "skink/common/crc32.hpp"

namespace skink {

uint32_t crc32(Bytes bytes, uint32_t before) noexcept {
  uint32_t value = ~before;
  for (const uint8_t byte : bytes) {
    value ^= byte;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ (0xEDB88320U & (0U - (value & 1U)));
  }
  return ~value;
}

}  // namespace skink
