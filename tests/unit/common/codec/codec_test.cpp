#include "skink/common/codec/codec.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "skink/common/arithmetic/philox.hpp"
#include "skink/common/arithmetic/real.hpp"
#include "skink/common/little_endian.hpp"
#include "unit/common/nn/nets.hpp"

using namespace skink;
using namespace skink::test;
using codec::Codec;

namespace {

using Numbers = std::vector<float>;
using Buffer = std::vector<std::uint8_t>;

constexpr float kDenormal = std::numeric_limits<float>::denorm_min();
constexpr float kSmallestNormal = std::numeric_limits<float>::min();
constexpr float kLargest = std::numeric_limits<float>::max();

Status read_phi(void* context, std::size_t first, Span<float> out) {
  const auto& phi = *static_cast<const Numbers*>(context);
  std::copy_n(phi.begin() + static_cast<std::ptrdiff_t>(first), out.size(), out.begin());
  return Status::kOk;
}

/// An encoder with all that it borrows.
struct Encoding {
  Encoding(const nn::Network& net, Numbers from, Numbers to, Codec codec, codec::QuantizerKey key = {})
      : network(net), phi(std::move(from)), parameters(std::move(to)) {
    status = encoder.begin(codec, network, {&phi, &read_phi}, {parameters.data(), parameters.size()}, key);
  }
  Encoding(const Encoding&) = delete;
  Encoding& operator=(const Encoding&) = delete;

  Buffer all() {
    Buffer bytes(encoder.size());
    REQUIRE(encoder.read(0, {bytes.data(), bytes.size()}) == Status::kOk);
    return bytes;
  }

  const nn::Network& network;
  Numbers phi;
  Numbers parameters;
  codec::Encoder encoder;
  Status status = Status::kOk;
};

Status decode(Codec codec, const nn::Network& network, const Buffer& bytes, Numbers& change) {
  change.assign(network.parameter_count(), -99.0F);
  return codec::decode(codec, network, {bytes.data(), bytes.size()}, {change.data(), change.size()});
}

/// A change meant to annoy: one kind for each number.
Numbers adversarial_change(std::size_t count, std::uint32_t kind, NetLottery& lottery) {
  Numbers change(count, 0.0F);
  const auto spot = lottery.below(static_cast<std::uint32_t>(count));
  for (float& value : change) {
    switch (kind) {
      case 0: break;  // all zero
      case 1: break;  // one spike, below
      case 2: value = static_cast<float>(lottery.real(-1.0, 1.0)) * kSmallestNormal; break;
      case 3: value = static_cast<float>(lottery.real(-1.0, 1.0)) * kLargest; break;
      case 4: value = lottery.below(2) == 0 ? -1.0F : 1.0F; break;
      case 5: value = static_cast<float>(std::exp2(lottery.real(-149.0, 127.0))); break;
      case 6: value = lottery.below(3) == 0 ? kDenormal : -kDenormal; break;
      case 7: value = -0.0F; break;
      default: value = static_cast<float>(lottery.real(-0.1, 0.1)); break;
    }
  }
  if (kind == 1) change[spot] = static_cast<float>(lottery.real(-100.0, 100.0));
  return change;
}

void check_float32(const nn::Network& network, const Numbers& change, const Numbers& decoded) {
  for (const nn::Tensor& tensor : network.tensors()) {
    for (std::size_t e = tensor.offset; e < tensor.offset + tensor.count; ++e) {
      const float expected = tensor.trainable ? change[e] : 0.0F;
      if (decoded[e] != expected || (std::signbit(decoded[e]) && decoded[e] == 0.0F)) {
        FAIL("element " << e << ": " << change[e] << " became " << decoded[e]);
      }
    }
  }
}

/// Stochastic rounding moves an element by less than one step; tensors with a scale below 2^-126 become 0.
void check_int8(const nn::Network& network, const Numbers& change, const Numbers& decoded) {
  for (const nn::Tensor& tensor : network.tensors()) {
    float largest = 0.0F;
    for (std::size_t e = tensor.offset; e < tensor.offset + tensor.count; ++e) {
      largest = std::max(largest, std::fabs(change[e]));
    }
    const float scale = largest / 127.0F;
    for (std::size_t e = tensor.offset; e < tensor.offset + tensor.count; ++e) {
      if (!tensor.trainable || scale < kSmallestNormal) {
        REQUIRE(decoded[e] == 0.0F);
        continue;
      }
      const double error = std::fabs(static_cast<double>(decoded[e]) - static_cast<double>(change[e]));
      if (!(error <= 1.0001 * static_cast<double>(scale))) {
        FAIL("element " << e << ": " << change[e] << " became " << decoded[e] << ", scale " << scale);
      }
      if (change[e] == 0.0F) REQUIRE(decoded[e] == 0.0F);
    }
  }
}

}  // namespace

TEST_CASE("codec: names", "[common][codec]") {
  Codec codec = Codec::kInt8;
  for (const char* unknown : {"", "float", "int16", "INT8", "int8 ", "float32x"}) {
    CHECK_FALSE(codec::parse(unknown, codec));
    CHECK(codec == Codec::kInt8);
  }
  for (const Codec known : {Codec::kFloat32, Codec::kInt8}) {
    CHECK(codec::parse(codec::name_of(known), codec));
    CHECK(codec == known);
    CHECK(std::string(codec::names()).find(codec::name_of(known)) != std::string::npos);
  }
}

TEST_CASE("codec: ten thousand changes come back within the codec's bound", "[common][codec][property]") {
  NetLottery lottery(11);
  for (int i = 0; i < 10000; ++i) {
    const NetSpec spec = i % 20 == 0 ? lottery.draw()
                                     : NetSpec{{1, 1, 3},
                                               {dense(4, i % 3 == 0 ? Train::kWeights : Train::kAll), relu(),
                                                dense(2, i % 2 == 0 ? Train::kAll : Train::kBias)},
                                               nn::Loss::kMeanSquaredError};
    const nn::Network network = build(spec);
    const auto kind = static_cast<std::uint32_t>(i) % 9;
    const Numbers change = adversarial_change(network.parameter_count(), kind, lottery);
    CAPTURE(i, kind, describe(spec));
    const Numbers zero(network.parameter_count(), 0.0F);
    const codec::QuantizerKey key{lottery.below(1000), lottery.below(1000), lottery.below(1000)};
    for (const Codec codec : {Codec::kFloat32, Codec::kInt8}) {
      Encoding encoding(network, zero, change, codec, key);
      REQUIRE(encoding.status == Status::kOk);
      REQUIRE(encoding.encoder.size() == codec::encoded_bytes(codec, network));
      Numbers decoded;
      REQUIRE(decode(codec, network, encoding.all(), decoded) == Status::kOk);
      codec == Codec::kFloat32 ? check_float32(network, change, decoded) : check_int8(network, change, decoded);
    }
  }
}

TEST_CASE("codec: what is sent is adapted minus received", "[common][codec]") {
  const nn::Network network = build({{1, 1, 1}, {dense(1)}, nn::Loss::kMeanSquaredError});
  Encoding encoding(network, {1.0F, 0.1F}, {1.5F, 0.3F}, Codec::kFloat32);
  const Buffer bytes = encoding.all();
  CHECK(load_float(bytes.data()) == 0.5F);
  CHECK(load_float(bytes.data() + 4) == 0.3F - 0.1F);
}

TEST_CASE("codec: reading in pieces gives the bytes of reading at once", "[common][codec][property]") {
  NetLottery lottery(GENERATE(range(0U, 40U)));
  const NetSpec spec = lottery.draw();
  CAPTURE(describe(spec));
  const nn::Network network = build(spec);
  Numbers phi(network.parameter_count());
  for (float& value : phi) value = static_cast<float>(lottery.real(-1.0, 1.0));
  const Codec codec = lottery.below(2) == 0 ? Codec::kFloat32 : Codec::kInt8;
  Encoding encoding(network, phi, adversarial_change(phi.size(), 8, lottery), codec, {1, 2, 3});
  const Buffer whole = encoding.all();
  for (std::size_t step : {1U, 2U, 3U, 5U, 7U, 64U, 1000U}) {
    Buffer pieces;
    while (pieces.size() < whole.size()) {
      Buffer piece(std::min(step, whole.size() - pieces.size()));
      REQUIRE(encoding.encoder.read(pieces.size(), {piece.data(), piece.size()}) == Status::kOk);
      pieces.insert(pieces.end(), piece.begin(), piece.end());
    }
    REQUIRE(pieces == whole);
  }
  for (int i = 0; i < 100; ++i) {  // any part, in any order
    const std::size_t first = lottery.below(static_cast<std::uint32_t>(whole.size()));
    Buffer piece(lottery.below(static_cast<std::uint32_t>(whole.size() - first + 1)));
    REQUIRE(encoding.encoder.read(first, {piece.data(), piece.size()}) == Status::kOk);
    REQUIRE(std::equal(piece.begin(), piece.end(), whole.begin() + static_cast<std::ptrdiff_t>(first)));
  }
}

TEST_CASE("codec: int8 rounds without bias", "[common][codec]") {
  const nn::Network network = build({{1, 1, 4}, {dense(2)}, nn::Loss::kMeanSquaredError});
  // scale = 1 in the weights (largest 127): the expectation is the value itself. Bias: scale 0.5 / 127.
  const Numbers change = {127.0F, 0.25F, -0.25F, 63.5F, -126.75F, 1e-3F, 0.0F, -3.0F, 0.5F, 0.001F};
  const Numbers zero(change.size(), 0.0F);
  constexpr int kKeys = 4000;
  std::vector<double> sums(change.size(), 0.0);
  for (int i = 0; i < kKeys; ++i) {
    Encoding encoding(network, zero, change, Codec::kInt8, {77, static_cast<std::uint32_t>(i), 5});
    Numbers decoded;
    REQUIRE(decode(Codec::kInt8, network, encoding.all(), decoded) == Status::kOk);
    for (std::size_t e = 0; e < change.size(); ++e) sums[e] += static_cast<double>(decoded[e]);
  }
  for (std::size_t e = 0; e < change.size(); ++e) {
    const double scale = e < 8 ? 1.0 : 0.5 / 127;
    const double deviation = 0.5 * scale / std::sqrt(kKeys);  // a coin's, at most
    CAPTURE(e);
    CHECK(std::fabs(sums[e] / kKeys - static_cast<double>(change[e])) < 5 * deviation);
  }
}

TEST_CASE("codec: the largest change never rounds beyond 127", "[common][codec]") {
  // largest / (largest / 127) may be a little more than 127; then one random word in many rounds it up to 128.
  const nn::Network network = build({{1, 1, 1}, {dense(1)}, nn::Loss::kMeanSquaredError});
  float largest = 1.0F;
  while (largest / (largest / 127.0F) <= 127.0F) largest = std::nextafter(largest, 2.0F);
  const float excess = largest / (largest / 127.0F) - 127.0F;
  const float sign = GENERATE(1.0F, -1.0F);
  const auto rounds_away = [sign, excess](const codec::QuantizerKey& key) {
    const float u = arithmetic::uniform(arithmetic::philox(key.seed, 0, 7, key.round, key.device).words[0]);
    return sign > 0 ? u < excess : u >= 1.0F - excess;
  };
  codec::QuantizerKey key{3, 0, 0};
  while (!rounds_away(key)) REQUIRE(++key.round < 10000000);
  Encoding encoding(network, {0.0F, 0.0F}, {sign * largest, 0.0F}, Codec::kInt8, key);
  Numbers decoded;
  REQUIRE(decode(Codec::kInt8, network, encoding.all(), decoded) == Status::kOk);
  CHECK(decoded[0] == sign * 127.0F * (largest / 127.0F));
}

TEST_CASE("codec: int8 rounding depends on every part of its key, and on nothing else", "[common][codec]") {
  const nn::Network network = build({{1, 1, 8}, {dense(8)}, nn::Loss::kMeanSquaredError});
  NetLottery lottery(1);
  const Numbers zero(network.parameter_count(), 0.0F);
  const Numbers change = adversarial_change(zero.size(), 8, lottery);
  const auto bytes_of = [&](codec::QuantizerKey key) {
    Encoding encoding(network, zero, change, Codec::kInt8, key);
    return encoding.all();
  };
  const Buffer reference = bytes_of({1, 2, 3});
  CHECK(bytes_of({1, 2, 3}) == reference);
  CHECK(bytes_of({2, 2, 3}) != reference);
  CHECK(bytes_of({1, 3, 3}) != reference);
  CHECK(bytes_of({1, 2, 4}) != reference);
}

TEST_CASE("codec: a change that is not finite is refused", "[common][codec]") {
  const nn::Network network = build({{1, 1, 1}, {dense(2)}, nn::Loss::kMeanSquaredError});
  const Codec codec = GENERATE(Codec::kFloat32, Codec::kInt8);
  const Numbers phi = {-kLargest, 0.0F, 0.0F, 0.0F};
  CHECK(Encoding(network, phi, {kLargest, 0, 0, 0}, codec).status == Status::kNotFinite);  // overflows
  CHECK(Encoding(network, phi, {0, 0, 0, std::nanf("")}, codec).status == Status::kNotFinite);
  CHECK(Encoding(network, phi, {0, 0, -HUGE_VALF, 0}, codec).status == Status::kNotFinite);
  CHECK(Encoding(network, phi, {0, 0, 0, 0}, codec).status == Status::kOk);
}

TEST_CASE("codec: a failing phi is reported", "[common][codec]") {
  const nn::Network network = build({{1, 1, 1}, {dense(2)}, nn::Loss::kMeanSquaredError});
  const Numbers parameters(4, 1.0F);
  const auto fails = [](void* /*context*/, std::size_t /*first*/, Span<float> /*out*/) { return Status::kUnavailable; };
  codec::Encoder encoder;
  CHECK(encoder.begin(Codec::kInt8, network, {nullptr, fails}, {parameters.data(), 4}, {}) == Status::kUnavailable);
}

TEST_CASE("codec: decoding refuses every other length", "[common][codec]") {
  const nn::Network network = build(conv_net());
  const Codec codec = GENERATE(Codec::kFloat32, Codec::kInt8);
  const std::size_t right = codec::encoded_bytes(codec, network);
  CHECK(right == (codec == Codec::kFloat32 ? 4 * network.trainable_count() : network.trainable_count() + 4 * 5));
  Numbers change;
  for (std::size_t size = 0; size < right + 10; ++size) {
    const Status expected = size == right ? Status::kOk : Status::kShapeMismatch;
    if (decode(codec, network, Buffer(size), change) != expected) FAIL("length " << size);
  }
  const Buffer sound(right);
  Numbers small(network.parameter_count() - 1);
  CHECK(codec::decode(codec, network, {sound.data(), right}, {small.data(), small.size()}) == Status::kShapeMismatch);
}

TEST_CASE("codec: scales that are negative, subnormal or not finite are refused", "[common][codec]") {
  const nn::Network network = build({{1, 1, 2}, {dense(2)}, nn::Loss::kMeanSquaredError});
  Buffer bytes(codec::encoded_bytes(Codec::kInt8, network));
  const std::size_t tensor = GENERATE(0U, 1U);
  Numbers change;
  for (const std::uint32_t bits : {0xbf800000U, 0x80000001U, 0x00000001U, 0x007fffffU, 0x7f800000U, 0x7fc00000U}) {
    store_u32(bytes.data() + 4 * tensor, bits);
    CHECK(decode(Codec::kInt8, network, bytes, change) == Status::kDamaged);
  }
  for (const std::uint32_t bits : {0x00000000U, 0x00800000U, 0x3f800000U, 0x7f7fffffU}) {
    store_u32(bytes.data() + 4 * tensor, bits);
    CHECK(decode(Codec::kInt8, network, bytes, change) == Status::kOk);
  }
}
