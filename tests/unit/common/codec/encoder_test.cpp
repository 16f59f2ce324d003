#include "unit/common/codec/codec_fixture.hpp"

#include "skink/common/little_endian.hpp"

using namespace skink;
using namespace skink::test;
using codec::Codec;

TEST_CASE("codec: what is sent is adapted minus received, plus what was left", "[common][codec]") {
  const nn::Network network = build({{1, 1, 1}, {dense(1)}, nn::Loss::kMeanSquaredError});
  Encoding encoding(network, {1.0F, 0.1F}, {1.5F, 0.3F}, codec_of("float32"));
  Buffer bytes = encoding.all();
  CHECK(load_float(bytes.data()) == 0.5F);
  CHECK(load_float(bytes.data() + 4) == 0.3F - 0.1F);
  Encoding fed(network, {1.0F, 0.1F}, {1.5F, 0.3F}, codec_of("topk:1+float32+ef"), {}, {0.25F, -1.0F});
  Numbers decoded;
  REQUIRE(decode(codec_of("topk:1+float32+ef"), network, {}, fed.all(), decoded) == Status::kOk);
  CHECK(decoded[0] == 0.75F);
  CHECK(decoded[1] == (0.3F - 0.1F) + -1.0F);
}

TEST_CASE("codec: reading in pieces gives the bytes of reading at once", "[common][codec][property]") {
  NetLottery lottery(GENERATE(range(0U, 12U)));
  const NetSpec spec = lottery.draw();
  const nn::Network network = build(spec);
  Numbers phi(network.parameter_count());
  for (float& value : phi) value = static_cast<float>(lottery.real(-1.0, 1.0));
  for (const std::string& name : codec_names()) {
    CAPTURE(name, describe(spec));
    Encoding encoding(network, phi, annoying_change(phi.size(), 8, lottery), codec_of(name), {1, 2, 3});
    const Buffer whole = encoding.all();
    for (std::size_t step : {1U, 2U, 3U, 7U, 64U, 1000U}) {
      Buffer pieces;
      while (pieces.size() < whole.size()) {
        Buffer piece(std::min(step, whole.size() - pieces.size()));
        REQUIRE(encoding.encoder.read(pieces.size(), {piece.data(), piece.size()}) == Status::kOk);
        pieces.insert(pieces.end(), piece.begin(), piece.end());
      }
      REQUIRE(pieces == whole);
    }
    for (int i = 0; i < 30; ++i) {  // any part, in any order
      const std::size_t first = lottery.below(static_cast<std::uint32_t>(whole.size()));
      Buffer piece(lottery.below(static_cast<std::uint32_t>(whole.size() - first + 1)));
      REQUIRE(encoding.encoder.read(first, {piece.data(), piece.size()}) == Status::kOk);
      REQUIRE(std::equal(piece.begin(), piece.end(), whole.begin() + static_cast<std::ptrdiff_t>(first)));
    }
  }
}

TEST_CASE("codec: phi that lies in memory is read there, which changes no byte", "[common][codec][property]") {
  NetLottery lottery(GENERATE(range(20U, 26U)));
  const NetSpec spec = lottery.draw();
  const nn::Network network = build(spec);
  const Numbers phi = annoying_change(network.parameter_count(), 11, lottery);
  const Numbers parameters = annoying_change(phi.size(), 8, lottery);
  for (const std::string& name : codec_names()) {
    CAPTURE(name, describe(spec));
    const Codec codec = codec_of(name);
    const Numbers left(codec.error_feedback ? network.trainable_count() : 0, 0.125F);
    Encoding read(network, phi, parameters, codec, {1, 2, 3}, left);
    Encoding in_place(network, phi, parameters, codec, {1, 2, 3}, left, phi.data());
    REQUIRE(read.status == in_place.status);
    if (read.status != Status::kOk) continue;
    REQUIRE(read.all() == in_place.all());
    Numbers one(network.trainable_count());
    Numbers other(one.size());
    REQUIRE(read.encoder.leave({one.data(), one.size()}) == Status::kOk);
    REQUIRE(in_place.encoder.leave({other.data(), other.size()}) == Status::kOk);
    REQUIRE(one == other);
  }
}

TEST_CASE("codec: applying adds what decoding gives", "[common][codec]") {
  NetLottery lottery(4);
  const nn::Network network = build(lottery.draw());
  const Numbers phi = annoying_change(network.parameter_count(), 11, lottery);
  for (const std::string& name : codec_names()) {
    CAPTURE(name);
    const Codec codec = codec_of(name);
    Encoding encoding(network, phi, annoying_change(phi.size(), 8, lottery), codec, {1, 2, 3});
    const Buffer bytes = encoding.all();
    Numbers change;
    REQUIRE(decode(codec, network, {1, 2, 3}, bytes, change) == Status::kOk);
    Numbers applied = phi;
    REQUIRE(codec::apply(codec, network, {1, 2, 3}, {bytes.data(), bytes.size()}, {applied.data(), applied.size()}) ==
            Status::kOk);
    for (std::size_t e = 0; e < phi.size(); ++e) REQUIRE(applied[e] == phi[e] + change[e]);
  }
}

TEST_CASE("codec: what error feedback leaves may be written over what it read", "[common][codec]") {
  NetLottery lottery(9);
  const nn::Network network = build(sine_net());
  const Numbers phi(network.parameter_count(), 0.0F);
  for (const std::string& name : codec_names()) {
    const Codec codec = codec_of(name);
    if (!codec.error_feedback) continue;
    CAPTURE(name);
    Encoding encoding(network, phi, annoying_change(phi.size(), 8, lottery), codec, {1, 2, 3},
                      annoying_change(network.trainable_count(), 8, lottery));
    Numbers apart(network.trainable_count());
    REQUIRE(encoding.encoder.leave({apart.data(), apart.size()}) == Status::kOk);
    REQUIRE(encoding.encoder.leave({encoding.residual.data(), encoding.residual.size()}) == Status::kOk);
    CHECK(encoding.residual == apart);
  }
}

TEST_CASE("codec: with error feedback everything arrives in the end", "[common][codec][property]") {
  // The sum of what was decoded and of what is left is the sum of the changes.
  NetLottery lottery(10);
  const nn::Network network = build(sine_net());
  const Numbers phi(network.parameter_count(), 0.0F);
  for (const std::string& name : codec_names()) {
    const Codec codec = codec_of(name);
    if (!codec.error_feedback) continue;
    Numbers residual(network.trainable_count(), 0.0F);
    std::vector<double> sent(phi.size(), 0.0);
    std::vector<double> wanted(phi.size(), 0.0);
    const Numbers change = annoying_change(phi.size(), 8, lottery);
    constexpr std::uint32_t kRounds = 60;
    for (std::uint32_t round = 0; round < kRounds; ++round) {
      const codec::Key key{1, round, 3};
      Encoding encoding(network, phi, change, codec, key, residual);
      Numbers decoded;
      REQUIRE(decode(codec, network, key, encoding.all(), decoded) == Status::kOk);
      REQUIRE(encoding.encoder.leave({residual.data(), residual.size()}) == Status::kOk);
      for (std::size_t e = 0; e < phi.size(); ++e) {
        sent[e] += as_double(decoded[e]);
        wanted[e] += as_double(change[e]);
      }
    }
    double error = 0;
    double energy = 0;
    for (std::size_t e = 0; e < phi.size(); ++e) {
      CHECK(sent[e] + as_double(residual[e]) == Approx(wanted[e]).margin(1e-5));
      error += squared(sent[e] - wanted[e]);
      energy += squared(wanted[e]);
    }
    CAPTURE(name, error / energy);
    CHECK(error / energy < 0.5);  // of all rounds together; 0.03 and less but for the sparsest
  }
}

TEST_CASE("codec: a change that is not finite is refused", "[common][codec]") {
  constexpr float kLargest = std::numeric_limits<float>::max();
  const nn::Network network = build({{1, 1, 1}, {dense(2)}, nn::Loss::kMeanSquaredError});
  const Numbers phi = {-kLargest, 0.0F, 0.0F, 0.0F};
  for (const std::string& name : codec_names()) {
    const Codec codec = codec_of(name);
    CAPTURE(name);
    CHECK(Encoding(network, phi, {kLargest, 0, 0, 0}, codec).status == Status::kNotFinite);  // overflows
    CHECK(Encoding(network, phi, {0, 0, 0, std::nanf("")}, codec).status == Status::kNotFinite);
    CHECK(Encoding(network, phi, {0, 0, -HUGE_VALF, 0}, codec).status == Status::kNotFinite);
    CHECK(Encoding(network, phi, {0, 0, 0, 0}, codec, {}, {kLargest, 0, 0, 0}).status == Status::kNotFinite);
    CHECK(Encoding(network, phi, {0, 0, 0, 0}, codec).status == Status::kOk);
    CHECK(Encoding(network, phi, {0, kLargest, kLargest, kLargest}, codec).status == Status::kOk);  // their sum is not
  }
}

TEST_CASE("codec: a failing source and too little memory are reported", "[common][codec]") {
  const nn::Network network = build({{1, 1, 1}, {dense(2)}, nn::Loss::kMeanSquaredError});
  const Numbers parameters(4, 1.0F);
  codec::Change change;
  change.network = &network;
  change.parameters = {parameters.data(), 4};
  change.phi.read = [](void* /*context*/, std::size_t /*first*/, Span<float> /*out*/) { return Status::kUnavailable; };
  codec::Encoder encoder;
  CHECK(encoder.begin(codec_of("int8"), change, {}, {}) == Status::kUnavailable);
  CHECK(encoder.begin(codec_of("topk:0.5+int8"), change, {}, {}) == Status::kBufferTooSmall);
  std::uint32_t state[32] = {};
  const MutableBytes memory{reinterpret_cast<std::uint8_t*>(state), sizeof state};
  CHECK(encoder.begin(codec_of("topk:0.5+int8"), change, {}, memory) == Status::kUnavailable);
}
