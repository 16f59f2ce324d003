#include "unit/common/codec/codec_fixture.hpp"

using namespace skink;
using namespace skink::test;
using codec::Codec;

TEST_CASE("codec: every name of the family is understood", "[common][codec]") {
  for (const std::string& name : codec_names()) {
    CAPTURE(name);
    Codec codec;
    CHECK(codec::parse(name.c_str(), codec));
  }
  const Codec codec = codec_of("topk:0.0125+int4:nearest+range+ef");
  CHECK(codec.top_ppm == 12500);
  CHECK(codec.quantizer == codec::Quantizer::kInt4);
  CHECK(codec.rounding == codec::Rounding::kNearest);
  CHECK(codec.range);
  CHECK(codec.error_feedback);
  CHECK(codec_of("topk:1+int8").top_ppm == 1000000);
  CHECK(codec_of("topk:0.000001+int8").top_ppm == 1);
  CHECK(codec_of("eden:3").bits == 3);
  CHECK(codec_of("sign:block").grouping == codec::Grouping::kBlock);
}

TEST_CASE("codec: other texts are refused, with the place and what would be allowed", "[common][codec]") {
  struct Refused {
    const char* name;
    std::size_t position;
    const char* reason;
  };
  const Refused refused = GENERATE(values<Refused>({
      {"", 0, "float32, int8"},
      {"float", 0, "float32, int8"},
      {"int16", 0, "float32, int8"},
      {"INT8", 0, "float32, int8"},
      {"int8 ", 4, "[+range] [+ef]"},
      {"int8+", 4, "[+range] [+ef]"},
      {"int8+ef+range", 7, "[+range] [+ef]"},
      {"eden", 0, "float32, int8"},
      {"eden:0", 5, "1, 2, 3 or 4"},
      {"eden:5", 5, "1, 2, 3 or 4"},
      {"eden:11", 6, "[+range] [+ef]"},
      {"eden:1:block", 12, ":block goes with"},
      {"eden:1+range", 12, "range goes with"},
      {"float32:nearest", 15, ":nearest goes with"},
      {"float32+range", 13, "range goes with"},
      {"float32+ef", 10, "leaves nothing"},
      {"sign:nearest", 12, ":nearest goes with"},
      {"topk:0+int8", 5, "0.000001 to 1"},
      {"topk:0.10+int8", 9, "0.000001 to 1"},
      {"topk:0.0000001+int8", 13, "0.000001 to 1"},
      {"topk:2+int8", 5, "0.000001 to 1"},
      {"topk:1.5+int8", 6, "a quantizer follows"},
      {"topk:0.1", 8, "a quantizer follows"},
      {"topk:0.1+sign", 13, "topk goes with"},
      {"topk:0.1+eden:1", 15, "topk goes with"},
      {"topk:0.1+int8:block", 19, "one scale"},
      {"topk:0.1+ternary:nearest", 24, "not rounded"},
      {"topk:0.1+topk:0.1+int8", 9, "float32, int8"},
  }));
  CAPTURE(refused.name);
  Codec codec;
  codec.bits = 77;
  codec::NameError error;
  CHECK_FALSE(codec::parse(refused.name, codec, error));
  CHECK(codec.bits == 77);
  CHECK(error.position == refused.position);
  CHECK(std::string(error.reason).find(refused.reason) != std::string::npos);
}

TEST_CASE("codec: the longest name fits into a message", "[common][codec]") {
  const std::string longest = "topk:0.123456+int8:nearest+range+ef";
  CHECK(codec_of(longest).error_feedback);
  CHECK(longest.size() <= codec::kMaxNameBytes);
}

TEST_CASE("codec: how many survive", "[common][codec]") {
  CHECK(codec::survivor_count(codec_of("topk:0.01+ternary"), 1153) == 12);
  CHECK(codec::survivor_count(codec_of("topk:0.01+ternary"), 10) == 1);
  CHECK(codec::survivor_count(codec_of("topk:1+ternary"), 1153) == 1153);
  CHECK(codec::survivor_count(codec_of("topk:0.05+ternary"), 50) == 3);  // 2.5 is rounded up
}
