/// @file
/// SHA-256 from nothing else, for boards that come without mbedTLS (scripts/package). Slower than what uses a
/// processor's instructions or unit for it.

#include <string.h>

#include "skink/common/crypto/crypto.hpp"

namespace skink::crypto {
namespace {

constexpr size_t kBlockBytes = 64;
constexpr size_t kLengthBytes = 8;
constexpr size_t kRounds = 64;

/// FIPS 180-4, section 4.2.2.
constexpr uint32_t kConstants[kRounds] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

constexpr uint32_t kInitial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

struct Context {
  uint32_t state[8];
  uint64_t bytes;  ///< added so far
  uint8_t block[kBlockBytes];
};

Context& context_of(uint8_t* storage) noexcept { return *reinterpret_cast<Context*>(storage); }

uint32_t rotate(uint32_t word, unsigned count) noexcept { return (word >> count) | (word << (32 - count)); }

uint32_t load_big_endian(const uint8_t* bytes) noexcept {
  return uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 8 | bytes[3];
}

/// FIPS 180-4, section 6.2.2; the schedule is kept as its last sixteen words.
void take_block(uint32_t (&state)[8], const uint8_t* block) noexcept {
  uint32_t schedule[16];
  for (size_t i = 0; i < 16; ++i) schedule[i] = load_big_endian(block + 4 * i);
  uint32_t v[8];
  memcpy(v, state, sizeof v);
  for (size_t t = 0; t < kRounds; ++t) {
    uint32_t& word = schedule[t % 16];
    if (t >= 16) {
      const uint32_t w2 = schedule[(t - 2) % 16];
      const uint32_t w15 = schedule[(t - 15) % 16];
      word += (rotate(w2, 17) ^ rotate(w2, 19) ^ (w2 >> 10)) + schedule[(t - 7) % 16] +
              (rotate(w15, 7) ^ rotate(w15, 18) ^ (w15 >> 3));
    }
    const uint32_t t1 = v[7] + (rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25)) +
                        ((v[4] & v[5]) ^ (~v[4] & v[6])) + kConstants[t] + word;
    const uint32_t t2 =
        (rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22)) + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
    for (size_t i = 7; i > 0; --i) v[i] = v[i - 1];
    v[4] += t1;
    v[0] = t1 + t2;
  }
  for (size_t i = 0; i < 8; ++i) state[i] += v[i];
}

}  // namespace

Sha256::Sha256() noexcept {
  static_assert(sizeof(Context) <= sizeof context_, "raise the size of Sha256::context_");
  static_assert(alignof(Context) <= 8, "raise the alignment of Sha256::context_");
  memcpy(context_of(context_).state, kInitial, sizeof kInitial);
  context_of(context_).bytes = 0;
}
Sha256::~Sha256() = default;

void Sha256::add(Bytes bytes) noexcept {
  Context& context = context_of(context_);
  const uint8_t* from = bytes.data();
  size_t left = bytes.size();
  while (left > 0) {
    const auto filled = static_cast<size_t>(context.bytes % kBlockBytes);
    const size_t room = kBlockBytes - filled;
    const size_t count = left < room ? left : room;
    memcpy(context.block + filled, from, count);
    context.bytes += count;
    if (count == room) take_block(context.state, context.block);
    from += count;
    left -= count;
  }
}

Digest Sha256::finish() noexcept {
  Context& context = context_of(context_);
  const uint64_t bits = 8 * context.bytes;
  constexpr uint8_t kPadding[kBlockBytes] = {0x80};
  const auto filled = static_cast<size_t>(context.bytes % kBlockBytes);
  const size_t end = filled < kBlockBytes - kLengthBytes ? kBlockBytes : 2 * kBlockBytes;  // a length needs 8 bytes
  add({kPadding, end - kLengthBytes - filled});
  uint8_t length[kLengthBytes];
  for (size_t i = 0; i < kLengthBytes; ++i) length[i] = static_cast<uint8_t>(bits >> (56 - 8 * i));
  add(length);
  Digest digest;
  for (size_t i = 0; i < kDigestBytes; ++i) {
    digest.bytes[i] = static_cast<uint8_t>(context.state[i / 4] >> (24 - 8 * (i % 4)));
  }
  return digest;
}

}  // namespace skink::crypto
