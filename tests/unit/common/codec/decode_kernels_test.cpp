/// @file
/// What a host decodes with beside the plain loops of firmware, for every instruction set of this processor.

#include "common/codec/dense_codec.hpp"
#include "unit/common/codec/codec_fixture.hpp"

using namespace skink;
using namespace skink::test;
using codec::Codec;

namespace {

const std::initializer_list<const char*> kDenseNames = {"float32", "int8",   "int4",   "ternary", "sign",
                                                        "eden:1",  "eden:2", "eden:3", "eden:4"};
constexpr std::size_t kGuard = 16;
constexpr float kUntouched = -99.0F;

struct Decoded {
  Status status = Status::kOk;
  Numbers numbers;  ///< and a guard
};

template <class Decode>
Decoded decoded(std::size_t count, Decode decode) {
  Decoded result;
  result.numbers.assign(count + kGuard, kUntouched);
  result.status = decode(Span<float>(result.numbers.data(), count));
  return result;
}

struct Case {
  Codec codec;
  codec::Key key;
  std::uint32_t first = 0;
  std::uint16_t scale = 0;
  std::size_t count = 0;
  Buffer codes;  ///< in memory of their own: a sanitizer sees what is read after them
};

/// @returns the status of all of them.
Status check_same(const Case& c) {
  codec::DenseCoder coder(c.codec, c.key);
  const Decoded plain =
      decoded(c.count, [&](Span<float> out) { return coder.decode<false>(c.first, c.scale, c.codes.data(), out); });
  const auto check = [&](const Decoded& other) {
    REQUIRE(other.status == plain.status);
    const std::size_t from = plain.status == Status::kOk ? 0 : c.count;  // of damaged codes nothing is promised
    const std::size_t bytes = sizeof(float) * (plain.numbers.size() - from);
    REQUIRE(std::memcmp(other.numbers.data() + from, plain.numbers.data() + from, bytes) == 0);
  };
  for (const codec::DecodeKernels& kernels : codec::decode_kernels()) {
    CAPTURE(kernels.instruction_set, static_cast<int>(c.codec.quantizer), c.codec.bits, c.count, c.scale, c.first);
    codec::DenseCoder other(c.codec, c.key);
    check(decoded(c.count,
                  [&](Span<float> out) { return other.decode_with(kernels, c.first, c.scale, c.codes.data(), out); }));
  }
  check(decoded(c.count, [&](Span<float> out) { return coder.decode<true>(c.first, c.scale, c.codes.data(), out); }));
  return plain.status;
}

std::uint16_t any_scale(NetLottery& lottery) {
  switch (lottery.below(8)) {
    case 0: return 0;
    case 1: return 0x0100;  // the smallest: its products are denormal
    case 2: return 0xfeff;  // the largest: they overflow
    default: return static_cast<std::uint16_t>(0x0100 + lottery.below(0xfe00));
  }
}

/// Any byte, or those that are often sound.
Buffer any_codes(std::size_t count, NetLottery& lottery) {
  Buffer codes(count);
  const std::uint32_t kind = lottery.below(4);
  const std::uint32_t same = lottery.below(256);
  for (std::uint8_t& code : codes) {
    const std::uint32_t any = lottery.below(256);
    switch (kind) {
      case 0: code = static_cast<std::uint8_t>(any); break;
      case 1: code = static_cast<std::uint8_t>(same); break;
      case 2: code = static_cast<std::uint8_t>(any % 8 * 16 + any / 8 % 8); break;  // no int4 below 0
      default: code = static_cast<std::uint8_t>(any < 4 ? any : any < 128 ? 0 : 0x77); break;
    }
  }
  return codes;
}

Case any_case(const char* name, std::size_t count, NetLottery& lottery) {
  Case c;
  c.codec = codec_of(name);
  c.key = {lottery.below(0xffffffffU), lottery.below(1000), lottery.below(1000)};
  c.first = static_cast<std::uint32_t>(codec::kBlock) * lottery.below(1U << 22U);
  c.scale = any_scale(lottery);
  c.count = count;
  c.codes = any_codes(codec::code_bytes(c.codec, static_cast<std::uint32_t>(count)), lottery);
  return c;
}

}  // namespace

TEST_CASE("codec: many numbers at a time are decoded as one by one, to the bit", "[common][codec][property]") {
  REQUIRE(!codec::decode_kernels().empty());
  NetLottery lottery(11);
  for (const char* name : kDenseNames) {
    std::uint32_t sound = 0;
    std::uint32_t damaged = 0;
    for (std::size_t count = 1; count <= codec::kBlock; ++count) {
      const int cases = count == codec::kBlock ? 500 : 6;
      for (int i = 0; i < cases; ++i) ++(check_same(any_case(name, count, lottery)) == Status::kOk ? sound : damaged);
    }
    CAPTURE(name, sound, damaged);
    CHECK(sound > 200);
    const bool may_be_damaged = std::string(name) != "float32";
    CHECK((damaged > 200) == may_be_damaged);
  }
}

TEST_CASE("codec: a code that nobody writes is found wherever it stands", "[common][codec]") {
  struct Bad {
    const char* name;
    std::uint8_t code;
  };
  const Bad bad = GENERATE(values<Bad>({{"int8", 0x80}, {"int4", 0x08}, {"int4", 0x80}, {"ternary", 243}}));
  NetLottery lottery(12);
  const std::size_t count = GENERATE(as<std::size_t>(), 256, 255, 100, 33, 9, 1);
  Case c = any_case(bad.name, count, lottery);
  c.codes.assign(c.codes.size(), 0);
  REQUIRE(check_same(c) == Status::kOk);
  for (std::uint8_t& code : c.codes) {
    code = bad.code;
    CHECK(check_same(c) == Status::kDamaged);
    code = 0;
  }
}

TEST_CASE("codec: every code of a block of eden has its place", "[common][codec][eden]") {
  NetLottery lottery(13);
  for (const char* name : {"eden:1", "eden:2", "eden:3", "eden:4"}) {
    Case c = any_case(name, codec::kBlock, lottery);
    c.scale = 0x7f00;
    for (std::size_t bit = 0; bit < 8 * c.codes.size(); ++bit) {
      c.codes.assign(c.codes.size(), 0);
      c.codes[bit / 8] = static_cast<std::uint8_t>(1U << (bit % 8));
      CHECK(check_same(c) == Status::kOk);
    }
  }
}

TEST_CASE("codec: blocks of eden in any order, by one coder", "[common][codec][eden]") {
  NetLottery lottery(14);
  Case c = any_case("eden:2", codec::kBlock, lottery);
  c.scale = 0x7f00;
  for (const codec::DecodeKernels& kernels : codec::decode_kernels()) {
    codec::DenseCoder coder(c.codec, c.key);
    codec::DenseCoder plain(c.codec, c.key);
    const auto check = [&](std::uint32_t block) {
      CAPTURE(kernels.instruction_set, block);
      const std::uint32_t first = block * static_cast<std::uint32_t>(codec::kBlock);
      Numbers expected(codec::kBlock);
      Numbers numbers(codec::kBlock);
      REQUIRE(plain.decode<false>(first, c.scale, c.codes.data(), {expected.data(), expected.size()}) == Status::kOk);
      REQUIRE(coder.decode_with(kernels, first, c.scale, c.codes.data(), {numbers.data(), numbers.size()}) ==
              Status::kOk);
      CHECK(numbers == expected);
    };
    for (std::uint32_t block = 0; block < 20; ++block) check(block);
    for (int i = 0; i < 100; ++i) check(lottery.below(24));
  }
}

TEST_CASE("codec: eight blocks of random words are those that come one by one", "[common][codec][property]") {
  NetLottery lottery(15);
  for (const codec::DecodeKernels& kernels : codec::decode_kernels()) {
    for (int i = 0; i < 1000; ++i) {
      const std::uint64_t seed = std::uint64_t{lottery.below(0xffffffffU)} << 32U | lottery.below(0xffffffffU);
      const std::uint32_t block = i == 0 ? 0xfffffffcU : lottery.below(0xffffffffU);
      const std::uint32_t round = lottery.below(0xffffffffU);
      const std::uint32_t device = lottery.below(0xffffffffU);
      std::uint32_t words[32];
      kernels.philox(seed, block, 8, round, device, words);
      for (std::uint32_t k = 0; k < 8; ++k) {
        const arithmetic::PhiloxBlock expected = arithmetic::philox(seed, block + k, 8, round, device);
        REQUIRE(std::equal(expected.words, expected.words + 4, words + 4 * k));
      }
    }
  }
}
