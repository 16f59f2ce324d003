#include "skink/common/arithmetic/philox.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <vector>

using namespace skink::arithmetic;

namespace {

struct KnownAnswer {
  std::array<std::uint32_t, 4> counter;
  std::array<std::uint32_t, 2> key;
  std::array<std::uint32_t, 4> output;
};

}  // namespace

TEST_CASE("philox: the published vectors of Random123 hold", "[common][arithmetic][philox][golden]") {
  // Random123 1.14, tests/kat_vectors, lines "philox4x32 10".
  const auto known = GENERATE(KnownAnswer{{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
                              KnownAnswer{{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
                                          {0xffffffff, 0xffffffff},
                                          {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
                              KnownAnswer{{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                                          {0xa4093822, 0x299f31d0},
                                          {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}});
  const std::uint64_t seed = (std::uint64_t{known.key[1]} << 32) | known.key[0];
  const auto& c = known.counter;
  const PhiloxBlock block = philox(seed, c[0], c[1], c[2], c[3]);
  for (std::size_t i = 0; i < 4; ++i) CHECK(block.words[i] == known.output[i]);
}

TEST_CASE("philox: a stream gives word e of block e / 4 in any order", "[common][arithmetic][philox]") {
  RandomStream stream(42, Purpose::kSample, 7, 9);
  const auto expected = [](std::uint32_t e) { return philox(42, e / 4, 5, 7, 9).words[e % 4]; };
  for (std::uint32_t e = 0; e < 40; ++e) CHECK(stream.word_at(e) == expected(e));
  for (const std::uint32_t e : {39U, 0U, 3U, 4U, 4000000000U, 1U}) CHECK(stream.word_at(e) == expected(e));
  CHECK(stream.block(9).words[3] == expected(39));
}

TEST_CASE("philox: every part of the address and both halves of the seed matter", "[common][arithmetic][philox]") {
  const std::vector<PhiloxBlock> blocks = {philox(1, 0, 0, 0, 0), philox(std::uint64_t{1} << 32, 0, 0, 0, 0),
                                           philox(0, 1, 0, 0, 0), philox(0, 0, 1, 0, 0),
                                           philox(0, 0, 0, 1, 0), philox(0, 0, 0, 0, 1),
                                           philox(0, 0, 0, 0, 0)};
  for (std::size_t a = 0; a < blocks.size(); ++a) {
    for (std::size_t b = a + 1; b < blocks.size(); ++b) CHECK(blocks[a].words[0] != blocks[b].words[0]);
  }
}

TEST_CASE("philox: uniform numbers are the top 24 bits, below 1", "[common][arithmetic][philox]") {
  CHECK(uniform(0) == 0.0F);
  CHECK(uniform(0xff) == 0.0F);
  CHECK(uniform(0x100) == 0x1p-24F);
  CHECK(uniform(0x80000000U) == 0.5F);
  CHECK(uniform(0xffffffffU) == 1.0F - 0x1p-24F);
  CHECK(uniform_between(0, -3.0F, 5.0F) == -3.0F);
  CHECK(uniform_between(0x80000000U, -3.0F, 5.0F) == 1.0F);
}
