#pragma once
/// @file
/// Random bits for lanes: philox() and permute() with another address in each lane. Included like pack.hpp.

#include "pack.hpp"

namespace skink::simulations::SKINK_ISA {

struct BlockLanes {
  WordLanes words[4];
};

static WordLanes words_of(uint32_t value) noexcept { return value + WordLanes{}; }

static WordLanes load_words(const uint32_t* words) noexcept {
  WordLanes lanes;
  memcpy(&lanes, words, sizeof lanes);
  return lanes;
}

static void multiply(WordLanes a, uint32_t b, WordLanes& high, WordLanes& low) noexcept {
#if SKINK_LANES == 1
  high = static_cast<uint32_t>((uint64_t{a} * b) >> 32);
#else
  using WideWordLanes = uint64_t __attribute__((vector_size(8 * SKINK_LANES)));
  const WideWordLanes product = __builtin_convertvector(a, WideWordLanes) * b;
  high = __builtin_convertvector(product >> 32, WordLanes);
#endif
  low = a * b;
}

/// arithmetic::philox() with another round and device in each lane.
static BlockLanes philox(uint64_t seed, uint32_t block, uint32_t purpose, WordLanes rounds,
                         WordLanes devices) noexcept {
  auto key0 = static_cast<uint32_t>(seed);
  auto key1 = static_cast<uint32_t>(seed >> 32);
  BlockLanes c{{words_of(block), words_of(purpose), rounds, devices}};
  for (int r = 0; r < 10; ++r) {
    WordLanes high0;
    WordLanes low0;
    WordLanes high1;
    WordLanes low1;
    multiply(c.words[0], 0xD2511F53U, high0, low0);
    multiply(c.words[2], 0xCD9E8D57U, high1, low1);
    c = {{high1 ^ c.words[1] ^ key0, low1, high0 ^ c.words[3] ^ key1, low0}};
    key0 += 0x9E3779B9U;
    key1 += 0xBB67AE85U;
  }
  return c;
}

/// low + (high - low) * u, u the top 24 bits times 2^-24.
static Pack uniform_between(WordLanes word, float low, float high) noexcept {
  const IntLanes top = same_bits<IntLanes>(word >> 8);
  const Pack u = Pack{convert<FloatLanes>(top)} * Traits::broadcast(5.9604644775390625e-8F);
  return Traits::broadcast(low) + Traits::broadcast(high - low) * u;
}

/// arithmetic::permute() of one position with another key in each lane.
static WordLanes permute(uint32_t position, uint32_t size, const BlockLanes& key) noexcept {
  uint32_t bits = 1;
  while (bits < 31 && (uint32_t{1} << bits) < size) ++bits;
  const uint32_t mask = (uint32_t{1} << bits) - 1;
  const uint32_t shift = bits < 2 ? 1 : bits / 2;
  // The first step is every lane's; after it only those walk on that are outside.
  WordLanes x = words_of(position);
  IntLanes walks = IntLanes{} - 1;
  do {
    WordLanes next = x;
    for (uint32_t round = 0; round < 4; ++round) {
      const WordLanes multiplier_a = (key.words[(round + 1) % 4] >> 16) | 1U;
      const WordLanes multiplier_b = ((key.words[(round + 2) % 4] >> 8) & 0xffffU) | 1U;
      next = (next + key.words[round]) & mask;
      next ^= next >> shift;
      next = (next * multiplier_a) & mask;
      next ^= next >> shift;
      next = (next * multiplier_b) & mask;
    }
    x = walks ? next : x;
    walks = mask_of(x >= size);
  } while (!Traits::none(walks));
  return x;
}

}  // namespace skink::simulations::SKINK_ISA
