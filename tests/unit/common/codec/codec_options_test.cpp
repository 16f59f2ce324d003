/// @file
/// A build without eden and topk: their names are none, and everything else is as in any build.

#include "unit/common/codec/codec_fixture.hpp"

using namespace skink;
using namespace skink::test;

TEST_CASE("codec options: what a build leaves out is named where it stands, the rest works", "[common][codec]") {
  static_assert(SKINK_CODEC_EDEN == 0 && SKINK_CODEC_TOPK == 0);
  const nn::Network network = flat_network(700);
  NetLottery lottery(3);
  const Numbers adapted = annoying_change(700, 8, lottery);
  int refused = 0;
  for (const std::string& name : codec_names()) {
    CAPTURE(name);
    const bool is_eden = name.find("eden") == 0;
    codec::Codec codec;
    codec::NameError error;
    if (!is_eden && name.find("topk") != 0) {
      REQUIRE(codec::parse(name.c_str(), codec, error));
      Encoding encoding(network, Numbers(701, 0.0F), adapted, codec, {1, 2, 3},
                        Numbers(codec.error_feedback ? 700 : 0));
      REQUIRE(encoding.status == Status::kOk);
      Numbers change;
      REQUIRE(decode(codec, network, {1, 2, 3}, encoding.all(), change) == Status::kOk);
      double product = 0;
      for (std::size_t i = 0; i < 700; ++i) product += static_cast<double>(change[i]) * static_cast<double>(adapted[i]);
      CHECK(product > 0);
      continue;
    }
    ++refused;
    CHECK_FALSE(codec::parse(name.c_str(), codec, error));
    CHECK(error.position == 5);
    CHECK(std::string(error.reason).find(is_eden ? "SKINK_CODEC_EDEN" : "SKINK_CODEC_TOPK") != std::string::npos);
  }
  CHECK(refused == 11);
}
