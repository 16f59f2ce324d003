/// @file
/// The kernels, which work in place and in tiles, give the bits of docs/arithmetic.md, section 6, done the long way.

#include <catch2/catch.hpp>
#include <cstring>

#include "naive.hpp"
#include "nets.hpp"
#include "skink/common/arithmetic/real.hpp"
#include "skink/common/nn/training.hpp"

using namespace skink;
using namespace skink::test;

namespace {

std::uint32_t bits(float value) { return arithmetic::RealTraits<float>::to_bits(arithmetic::canonical(value)); }

/// The first place where two arrays differ; zeros have no sign.
std::string difference(const Numbers& a, const Numbers& b) {
  if (a.size() != b.size()) return "sizes";
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (bits(a[i]) != bits(b[i])) {
      return "number " + std::to_string(i) + ": " + Catch::StringMaker<float>::convert(a[i]) + " and " +
             Catch::StringMaker<float>::convert(b[i]);
    }
  }
  return "none";
}

struct Samples {
  std::vector<Numbers> inputs;
  std::vector<Numbers> targets;

  Samples(const nn::Network& network, std::size_t count, NetLottery& lottery) {
    for (std::size_t s = 0; s < count; ++s) {
      inputs.emplace_back();
      targets.emplace_back();
      for (std::size_t i = 0; i < network.input_size(); ++i) {
        // Zeros and repeated values: skipped products and ties.
        inputs.back().push_back(lottery.below(3) == 0 ? 0.0F : static_cast<float>(lottery.real(-1.0, 1.0)));
      }
      if (nn::has_labels(network.loss())) {
        targets.back().push_back(static_cast<float>(lottery.below(static_cast<std::uint32_t>(network.output_size()))));
      } else {
        for (std::size_t o = 0; o < network.output_size(); ++o) {
          targets.back().push_back(static_cast<float>(lottery.real(-2.0, 2.0)));
        }
      }
    }
  }
};

struct TargetView {
  const std::vector<Numbers>* targets;
  std::size_t first;
  static float value(const void* context, std::size_t sample, std::size_t output) {
    const auto& view = *static_cast<const TargetView*>(context);
    return (*view.targets)[view.first + sample][output];
  }
};

Numbers random_parameters(std::size_t count, NetLottery& lottery) {
  Numbers parameters(count);
  for (float& value : parameters) value = static_cast<float>(lottery.real(-0.7, 0.7));
  return parameters;
}

/// Several steps, so that differences in an update show in the next forward pass.
void check_online(const NetSpec& spec, std::uint32_t seed) {
  const nn::Network network = build(spec);
  const NaiveNetwork naive(spec.input, spec.layers, spec.loss);
  REQUIRE(naive.parameter_count() == network.parameter_count());
  NetLottery lottery(seed);
  Numbers parameters = random_parameters(network.parameter_count(), lottery);
  Numbers expected = parameters;
  const Samples samples(network, 5, lottery);
  Numbers scratch(network.scratch_count());
  for (std::size_t s = 0; s < samples.inputs.size(); ++s) {
    Numbers sample(network.sample_count(), -99.0F);
    std::copy(samples.inputs[s].begin(), samples.inputs[s].end(), sample.begin());
    const TargetView view{&samples.targets, s};
    const float loss =
        nn::online_step(network, {parameters.data(), parameters.size()}, 0.05F, {sample.data(), sample.size()},
                        {&view, &TargetView::value}, {scratch.data(), scratch.size()});
    const float expected_loss = naive.online(expected, 0.05F, samples.inputs[s], samples.targets[s]);
    REQUIRE(bits(loss) == bits(expected_loss));
    REQUIRE(difference(parameters, expected) == "none");
  }
}

void check_batch(const NetSpec& spec, std::uint32_t seed, std::size_t count) {
  const nn::Network network = build(spec);
  const NaiveNetwork naive(spec.input, spec.layers, spec.loss);
  NetLottery lottery(seed);
  Numbers parameters = random_parameters(network.parameter_count(), lottery);
  Numbers expected = parameters;
  Numbers scratch(network.scratch_count());
  Numbers gradients(network.parameter_count(), -99.0F);
  for (int step = 0; step < 3; ++step) {
    const Samples samples(network, count, lottery);
    Numbers batch(count * network.sample_count(), -99.0F);
    for (std::size_t s = 0; s < count; ++s) {
      std::copy(samples.inputs[s].begin(), samples.inputs[s].end(),
                batch.begin() + static_cast<std::ptrdiff_t>(s * network.sample_count()));
    }
    const TargetView view{&samples.targets, 0};
    const float loss = nn::batch_step(network, {parameters.data(), parameters.size()}, 0.05F,
                                      {batch.data(), batch.size()}, count, {&view, &TargetView::value},
                                      {gradients.data(), gradients.size()}, {scratch.data(), scratch.size()});
    const float expected_loss = naive.batch(expected, 0.05F, samples.inputs, samples.targets);
    REQUIRE(bits(loss) == bits(expected_loss));
    REQUIRE(difference(parameters, expected) == "none");
  }
}

}  // namespace

TEST_CASE("specification: forward passes of random networks have the document's bits", "[common][nn][property]") {
  const auto seed = GENERATE(range(0U, 200U));
  NetLottery lottery(seed, GENERATE(false, true));
  const NetSpec spec = lottery.draw();
  CAPTURE(describe(spec));
  const nn::Network network = build(spec);
  const NaiveNetwork naive(spec.input, spec.layers, spec.loss);
  const Numbers parameters = random_parameters(network.parameter_count(), lottery);
  const Samples samples(network, 1, lottery);
  Numbers sample(network.sample_count(), -99.0F);
  std::copy(samples.inputs[0].begin(), samples.inputs[0].end(), sample.begin());
  const auto outputs = nn::predict(network, {parameters.data(), parameters.size()}, {sample.data(), sample.size()});
  CHECK(difference({outputs.begin(), outputs.end()}, naive.forward(parameters, samples.inputs[0]).back()) == "none");
}

TEST_CASE("specification: online steps in place have the document's bits", "[common][nn][property]") {
  const auto seed = GENERATE(range(0U, 300U));
  const NetSpec spec = NetLottery(seed, GENERATE(false, true)).draw();
  CAPTURE(describe(spec));
  check_online(spec, seed);
}

TEST_CASE("specification: mini-batches have the document's bits", "[common][nn][property]") {
  const auto seed = GENERATE(range(1000U, 1200U));
  const NetSpec spec = NetLottery(seed, GENERATE(false, true)).draw();
  CAPTURE(describe(spec));
  check_batch(spec, seed, 1 + seed % 5);
}

TEST_CASE("specification: the networks of the golden runs have the document's bits", "[common][nn]") {
  const NetSpec spec = GENERATE(sine_net(), conv_net(), separable_net());
  check_online(spec, 1);
  check_batch(spec, 2, 4);
}
