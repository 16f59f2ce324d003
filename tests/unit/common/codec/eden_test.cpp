/// @file
/// EDEN's error beside theory, and how small updates become.

#include "unit/common/codec/codec_fixture.hpp"

using namespace skink;
using namespace skink::test;

namespace {

struct Measured {
  double error = 0;  ///< mean of |y - x|^2 / |x|^2
  double bias = 0;   ///< |mean of y - x|^2 / |x|^2, for one x over all keys
};

Measured measure(const std::string& name, std::uint16_t size, std::uint32_t kind, int keys) {
  const codec::Codec codec = codec_of(name);
  const nn::Network network = flat_network(size);
  NetLottery lottery(size);
  const Numbers change = annoying_change(network.parameter_count(), kind, lottery);
  const Numbers zero(change.size(), 0.0F);
  double energy = 0;
  for (std::size_t i = 0; i < size; ++i) energy += squared(as_double(change[i]));
  std::vector<double> mean(size, 0.0);
  Measured measured;
  for (int k = 0; k < keys; ++k) {
    const codec::Key key{5, static_cast<std::uint32_t>(k), 9};
    Encoding encoding(network, zero, change, codec, key);
    Numbers decoded;
    REQUIRE(decode(codec, network, key, encoding.all(), decoded) == Status::kOk);
    double error = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const double difference = as_double(decoded[i]) - as_double(change[i]);
      error += squared(difference);
      mean[i] += difference / keys;
    }
    measured.error += error / energy / keys;
  }
  for (const double difference : mean) measured.bias += squared(difference) / energy;
  return measured;
}

}  // namespace

TEST_CASE("codec: eden's error is that of theory", "[common][codec][eden]") {
  struct Expected {
    const char* name;
    double error;
  };
  const Expected expected = GENERATE(values<Expected>({{"eden:1", 0.5708},
                                                       {"eden:2", 0.1331},
                                                       {"eden:3", 0.0358},
                                                       {"eden:4", 0.00959},
                                                       {"eden:1+ef", 0.3634},
                                                       {"eden:2+ef", 0.1175},
                                                       {"eden:3+ef", 0.0345},
                                                       {"eden:4+ef", 0.00950}}));
  const std::uint16_t size = GENERATE(as<std::uint16_t>(), 1153, 5173, 256, 200);
  const Measured measured = measure(expected.name, size, 8, 300);
  CAPTURE(expected.name, size, measured.error);
  CHECK(measured.error == Approx(expected.error).epsilon(0.05));
}

TEST_CASE("codec: a rotation spreads what is not spread", "[common][codec][eden]") {
  // A spike comes back exactly, but for its scale; sparse changes no worse than twice a dense one.
  CHECK(measure("eden:1", 256, 1, 50).error < 1e-4);
  CHECK(measure("eden:1", 129, 1, 50).error < 1.1);
  CHECK(measure("eden:1", 1153, 9, 100).error < 0.65);
}

TEST_CASE("codec: eden is without bias, but for what short blocks leave of it", "[common][codec][eden]") {
  constexpr int kKeys = 4000;
  const std::uint16_t size = GENERATE(as<std::uint16_t>(), 256, 300, 129);
  const Measured measured = measure("eden:1", size, 8, kKeys);
  CAPTURE(size, measured.bias, measured.error / kKeys);
  CHECK(measured.bias < 1.3 * measured.error / kKeys + 2e-4);  // what chance leaves of so many keys, and 1.4 %
}

TEST_CASE("codec: one bit is 27 times smaller on the sine net and 28 on Omniglot's", "[common][codec][eden]") {
  const codec::Codec codec = codec_of("eden:1");
  const nn::Network sine = build(sine_net());
  CHECK(codec::encoded_bytes(codec, sine) == 155);
  CHECK(4.0 * static_cast<double>(sine.parameter_count()) / 155 >= 27);
  const nn::Network omniglot =
      build({{28, 28, 1}, {flatten(), dense(64), relu(), dense(32), relu(), dense(5)}, nn::Loss::kSoftmaxCrossEntropy});
  CHECK(omniglot.parameter_count() == 52485);
  CHECK(codec::encoded_bytes(codec, omniglot) == 6973);
  CHECK(4.0 * 52485 / 6973 >= 28);
}

TEST_CASE("codec: the hundredth part of a change costs 0.1 bits a parameter", "[common][codec][topk]") {
  const codec::Codec codec = codec_of("topk:0.01+ternary");
  for (const std::uint16_t size : std::initializer_list<std::uint16_t>{7573, 10467, 52485}) {
    const nn::Network network = flat_network(size);
    NetLottery lottery(3);
    const Numbers change = annoying_change(network.parameter_count(), 8, lottery);
    Encoding encoding(network, Numbers(change.size(), 0.0F), change, codec);
    const double bits = 8.0 * static_cast<double>(encoding.encoder.size()) / size;
    CAPTURE(size, bits);
    CHECK(bits <= 0.10);
  }
}
