/// @file
/// Lengths of encoded changes of the largest networks. Also built with a size_t of 32 bits (preset host32).

#include <catch2/catch.hpp>
#include <cstdint>

#include "skink/common/codec/codec.hpp"
#include "unit/common/nn/nets.hpp"

using namespace skink;
using namespace skink::test;

TEST_CASE("codec: the length of a change of the largest network does not wrap", "[common][codec]") {
  const nn::Network largest = build({{16, 16, 1023}, {conv2d(1024, square(16, 1))}, nn::Loss::kMeanSquaredError});
  constexpr std::uint64_t kNumbers = 16 * 16 * 1023 * 1024 + 1024;
  REQUIRE(largest.trainable_count() == kNumbers);
  struct Expected {
    const char* name;
    std::uint64_t bytes;
  };
  const Expected all[] = {{"float32", 4 * kNumbers},
                          {"topk:1+float32", 1 + 5 + 2 + (33 * kNumbers + 7) / 8 + 2},
                          {"topk:0.5+float32", 1 + 5 + 2 + (kNumbers + 32 * (kNumbers / 2) + 7) / 8 + 2},
                          {"topk:1+int8", 1 + 5 + 2 + (9 * kNumbers + 7) / 8 + 2}};
  for (const Expected& expected : all) {
    CAPTURE(expected.name);
    codec::Codec codec;
    REQUIRE(codec::parse(expected.name, codec));
    CHECK(codec::encoded_bytes(codec, largest) == expected.bytes);
    CHECK(codec::patch_bytes(codec, largest) == (expected.bytes + 3) / 4 * 4);
  }
}
