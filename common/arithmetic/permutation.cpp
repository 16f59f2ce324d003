#include "skink/common/arithmetic/permutation.hpp"

namespace skink::arithmetic {
namespace {

uint32_t bits_for(uint32_t size) noexcept {
  uint32_t bits = 1;
  while (bits < 31 && (uint32_t{1} << bits) < size) ++bits;
  return bits;
}

}  // namespace

uint32_t permute(uint32_t position, uint32_t size, const PhiloxBlock& key) noexcept {
  const uint32_t bits = bits_for(size);
  const uint32_t mask = (uint32_t{1} << bits) - 1;
  const uint32_t shift = bits < 2 ? 1 : bits / 2;
  uint32_t x = position;
  do {
    for (uint32_t round = 0; round < 4; ++round) {
      const uint32_t multiplier_a = (key.words[(round + 1) % 4] >> 16) | 1U;
      const uint32_t multiplier_b = ((key.words[(round + 2) % 4] >> 8) & 0xffffU) | 1U;
      x = (x + key.words[round]) & mask;
      x ^= x >> shift;
      x = (x * multiplier_a) & mask;
      x ^= x >> shift;
      x = (x * multiplier_b) & mask;
    }
  } while (x >= size);
  return x;
}

}  // namespace skink::arithmetic
