#include "skink/common/arithmetic/philox.hpp"

namespace skink::arithmetic {

PhiloxBlock philox(uint64_t seed, uint32_t block, uint32_t purpose, uint32_t round, uint32_t device) noexcept {
  uint32_t c0 = block;
  uint32_t c1 = purpose;
  uint32_t c2 = round;
  uint32_t c3 = device;
  uint32_t k0 = static_cast<uint32_t>(seed);
  uint32_t k1 = static_cast<uint32_t>(seed >> 32);
  for (int i = 0; i < 10; ++i) {
    const uint64_t p0 = uint64_t{0xD2511F53U} * c0;
    const uint64_t p1 = uint64_t{0xCD9E8D57U} * c2;
    c0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
    c1 = static_cast<uint32_t>(p1);
    c2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c3 = static_cast<uint32_t>(p0);
    k0 += 0x9E3779B9U;
    k1 += 0xBB67AE85U;
  }
  return {{c0, c1, c2, c3}};
}

}  // namespace skink::arithmetic
