#include "skink/common/arithmetic/real.hpp"
#include "unit/common/codec/codec_fixture.hpp"

using namespace skink;
using namespace skink::test;
using codec::Codec;
using Traits = arithmetic::RealTraits<float>;

namespace {

/// A change as it comes in pieces.
struct Pieces {
  explicit Pieces(std::size_t parameters) : change(parameters, 0.0F) {}
  codec::ChangeSink sink() {
    return {this, [](void* context, std::uint32_t first, Span<const float> numbers) noexcept {
              static_cast<Pieces*>(context)->put(first, numbers);
            }};
  }
  void put(std::uint32_t first, Span<const float> numbers) noexcept {
    ascend = ascend && first >= next && !numbers.empty() && numbers.size() <= codec::kBlock &&
             first + numbers.size() <= change.size();
    if (!ascend) return;
    std::copy(numbers.begin(), numbers.end(), change.begin() + static_cast<std::ptrdiff_t>(first));
    next = first + static_cast<std::uint32_t>(numbers.size());
  }
  Numbers change;
  std::uint32_t next = 0;
  bool ascend = true;
};

/// Any bytes give a change of finite numbers (float32: any numbers) or an error.
void check_total(const Codec& codec, const nn::Network& network, const Buffer& bytes) {
  Numbers change;
  const Status status = decode(codec, network, {1, 2, 3}, bytes, change);
  REQUIRE((status == Status::kOk || status == Status::kDamaged || status == Status::kShapeMismatch));
  Pieces pieces(change.size());
  REQUIRE(codec::decode(codec, network, {1, 2, 3}, {bytes.data(), bytes.size()}, pieces.sink()) == status);
  REQUIRE(pieces.ascend);
  if (status != Status::kOk) return;
  for (std::size_t e = 0; e < change.size(); ++e) {
    REQUIRE(Traits::to_bits(pieces.change[e]) == Traits::to_bits(change[e]));
  }
}

}  // namespace

TEST_CASE("codec: lengths that cannot be are refused", "[common][codec]") {
  const nn::Network network = build(conv_net());
  for (const std::string& name : codec_names()) {
    const Codec codec = codec_of(name);
    const std::size_t most = codec::encoded_bytes(codec, network);
    Numbers change;
    CAPTURE(name);
    for (std::size_t size = 0; size < most + 10; ++size) {
      const Status status = decode(codec, network, {}, Buffer(size), change);
      if (size > most) CHECK(status == Status::kShapeMismatch);
      if (codec::has_fixed_length(codec) && size != most) CHECK(status == Status::kShapeMismatch);
    }
    const Buffer zeros(most);
    Numbers small(network.parameter_count() - 1);
    CHECK(codec::decode(codec, network, {}, {zeros.data(), most}, {small.data(), small.size()}) ==
          Status::kShapeMismatch);
  }
}

TEST_CASE("codec: truncated and prolonged encodings of variable length are refused", "[common][codec]") {
  const nn::Network network = build(sine_net());
  NetLottery lottery(2);
  const Numbers change = annoying_change(network.parameter_count(), 8, lottery);
  const Numbers zero(change.size(), 0.0F);
  for (const std::string& name : codec_names()) {
    const Codec codec = codec_of(name);
    Encoding encoding(network, zero, change, codec, {1, 2, 3});
    const Buffer whole = encoding.all();
    Numbers decoded;
    CAPTURE(name, whole.size());
    REQUIRE(decode(codec, network, {1, 2, 3}, whole, decoded) == Status::kOk);
    check_total(codec, network, whole);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const Buffer part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      const Status status = decode(codec, network, {1, 2, 3}, part, decoded);
      if (status == Status::kOk && !codec.range) FAIL("length " << size);  // a range coder may read other numbers
    }
    Buffer longer = whole;
    longer.push_back(0);
    CHECK(decode(codec, network, {1, 2, 3}, longer, decoded) != Status::kOk);
  }
}

TEST_CASE("codec: flipped bits and noise give a change or an error", "[common][codec][property]") {
  const nn::Network network = build(conv_net());
  NetLottery lottery(5);
  const Numbers change = annoying_change(network.parameter_count(), 8, lottery);
  for (const std::string& name : codec_names()) {
    const Codec codec = codec_of(name);
    CAPTURE(name);
    Encoding encoding(network, Numbers(change.size(), 0.0F), change, codec, {1, 2, 3});
    const Buffer whole = encoding.all();
    for (std::size_t bit = 0; bit < 8 * std::min<std::size_t>(whole.size(), 60); ++bit) {
      Buffer flipped = whole;
      flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
      check_total(codec, network, flipped);
    }
    for (int i = 0; i < 200; ++i) {
      Buffer noise(1 + lottery.below(static_cast<std::uint32_t>(codec::encoded_bytes(codec, network))));
      for (std::uint8_t& byte : noise) byte = static_cast<std::uint8_t>(lottery.below(256));
      check_total(codec, network, noise);
    }
  }
}

TEST_CASE("codec: what nobody writes is refused", "[common][codec]") {
  const nn::Network network = flat_network(10);
  Numbers change;
  const auto status = [&](const char* name, const Buffer& bytes) {
    return decode(codec_of(name), network, {}, bytes, change);
  };
  const auto scaled = [](std::uint16_t scale, std::size_t codes) {
    Buffer bytes(2 + codes);
    bytes[0] = static_cast<std::uint8_t>(scale);
    bytes[1] = static_cast<std::uint8_t>(scale >> 8);
    return bytes;
  };
  for (const std::uint16_t scale : std::initializer_list<std::uint16_t>{0x0001, 0x00ff, 0xff00, 0xffff}) {
    CAPTURE(scale);
    CHECK(status("int8", scaled(scale, 10)) == Status::kDamaged);
    CHECK(status("eden:1", scaled(scale, 2)) == Status::kDamaged);
  }
  for (const std::uint16_t scale : std::initializer_list<std::uint16_t>{0x0000, 0x0100, 0x7f00, 0xfeff}) {
    CAPTURE(scale);
    CHECK(status("int8", scaled(scale, 10)) == Status::kOk);
  }
  Buffer bytes = scaled(0x7f00, 10);
  bytes[5] = 0x80;  // -128
  CHECK(status("int8", bytes) == Status::kDamaged);
  bytes = scaled(0x7f00, 5);
  bytes[3] = 0x08;  // -8
  CHECK(status("int4", bytes) == Status::kDamaged);
  bytes = scaled(0x7f00, 2);
  bytes[2] = 243;
  CHECK(status("ternary", bytes) == Status::kDamaged);
  bytes = scaled(0x7f00, 2);
  bytes[3] = 0x04;  // bit 10 of 10 numbers
  CHECK(status("sign", bytes) == Status::kDamaged);
  CHECK(status("eden:1", bytes) == Status::kDamaged);

  CHECK(status("topk:0.5+ternary", {0, 0}) == Status::kOk);
  CHECK(status("topk:0.5+ternary", {1, 0}) == Status::kDamaged);              // nothing has no mode
  CHECK(status("topk:0.5+ternary", {0, 0, 0}) == Status::kDamaged);           // and nothing after it
  CHECK(status("topk:0.5+ternary", {0, 0x80, 0}) == Status::kDamaged);        // longer than it need be
  CHECK(status("topk:0.5+ternary", {0, 6, 0, 0x7f, 0}) == Status::kDamaged);  // six of ten are more than a half
  CHECK(status("topk:0.5+ternary", {31, 1, 0, 0x7f, 0}) == Status::kDamaged);
  CHECK(status("topk:0.5+ternary", {0xfe, 1, 0, 0x7f, 0}) == Status::kDamaged);  // the name says no range coder
  CHECK(status("topk:0.5+ternary", {0, 1, 0, 0x7f, 0}) == Status::kOk);
  CHECK(change[0] == 1.0F);
  CHECK(status("topk:0.5+ternary", {0, 1, 0, 0x7f, 0x02}) == Status::kOk);
  CHECK(change[0] == -1.0F);
  CHECK(status("topk:0.5+ternary", {0, 1, 0, 0x7f, 0x04}) == Status::kDamaged);        // padding
  CHECK(status("topk:0.5+ternary", {0, 1, 0, 0x7f, 0xff, 0x03}) == Status::kDamaged);  // position 10 of 10
  CHECK(status("int8+range", {2, 0}) == Status::kDamaged);
}
