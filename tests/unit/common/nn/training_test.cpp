#include "skink/common/nn/training.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>

#include "nets.hpp"
#include "skink/common/arithmetic/elementary.hpp"

using namespace skink;
using namespace skink::test;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

float constant_target(const void* context, std::size_t /*sample*/, std::size_t /*output*/) {
  return *static_cast<const float*>(context);
}

/// A network with its memory; every step has the same input.
class Trainer {
 public:
  explicit Trainer(const NetSpec& spec) : network(build(spec)) {
    parameters.resize(network.parameter_count());
    NetLottery lottery(3);
    for (float& value : parameters) value = static_cast<float>(lottery.real(-0.6, 0.6));
    input.assign(network.input_size(), 0.0F);
    for (float& value : input) value = static_cast<float>(lottery.real(-1.0, 1.0));
  }

  float online(float rate) {
    std::vector<float> sample = samples(1);
    std::vector<float> scratch(network.scratch_count());
    return nn::online_step(network, {parameters.data(), parameters.size()}, rate, {sample.data(), sample.size()},
                           {&target, &constant_target}, {scratch.data(), scratch.size()});
  }

  float batch(float rate, std::size_t count) {
    std::vector<float> batch = samples(count);
    std::vector<float> scratch(network.scratch_count());
    std::vector<float> gradients(network.parameter_count());
    return nn::batch_step(network, {parameters.data(), parameters.size()}, rate, {batch.data(), batch.size()}, count,
                          {&target, &constant_target}, {gradients.data(), gradients.size()},
                          {scratch.data(), scratch.size()});
  }

  std::vector<float> samples(std::size_t count) const {
    std::vector<float> all(count * network.sample_count());
    for (std::size_t s = 0; s < count; ++s) {
      std::copy(input.begin(), input.end(), all.begin() + static_cast<std::ptrdiff_t>(s * network.sample_count()));
    }
    return all;
  }

  nn::Network network;
  std::vector<float> parameters;
  std::vector<float> input;
  float target = 1.0F;
};

bool same_bits(const float* a, const float* b, std::size_t count) {
  return std::memcmp(a, b, count * sizeof(float)) == 0;
}

NetSpec with_masks(NetSpec spec, std::uint32_t seed) {
  NetLottery lottery(seed);
  const Train masks[] = {Train::kAll, Train::kNone, Train::kWeights, Train::kBias};
  for (nn::LayerSpec& layer : spec.layers) {
    if (layer.kind == nn::LayerKind::kDense || layer.kind == nn::LayerKind::kConv2d) {
      layer = masked(layer, masks[lottery.below(4)]);
    }
  }
  spec.layers.back() = masked(spec.layers.back(), Train::kBias);  // something always learns
  return spec;
}

}  // namespace

TEST_CASE("training: frozen tensors keep their bits, the others step as if nothing were frozen", "[common][nn]") {
  NetSpec spec = GENERATE(sine_net(), conv_net());
  for (nn::LayerSpec& layer : spec.layers) layer.train_weights = layer.train_bias = true;
  const auto seed = GENERATE(range(0U, 12U));
  const bool online = GENERATE(true, false);
  Trainer full(spec);
  Trainer part(with_masks(spec, seed));
  const std::vector<float> before = part.parameters;
  online ? (void)full.online(0.05F) : (void)full.batch(0.05F, 3);
  online ? (void)part.online(0.05F) : (void)part.batch(0.05F, 3);
  for (const nn::Tensor& tensor : part.network.tensors()) {
    const float* expected = (tensor.trainable ? full.parameters : before).data() + tensor.offset;
    CHECK(same_bits(part.parameters.data() + tensor.offset, expected, tensor.count));
  }
  CHECK(part.parameters != before);
}

TEST_CASE("training: online multiplies rate and gradient first, a batch of one last", "[common][nn]") {
  Trainer online({{1, 1, 1}, {dense(1)}, nn::Loss::kMeanSquaredError});
  Trainer batch = online;
  bool differed = false;
  NetLottery lottery(1);
  for (int step = 0; step < 200; ++step) {
    const auto x = static_cast<float>(lottery.real(-1.0, 1.0));
    const auto w = static_cast<float>(lottery.real(-1.0, 1.0));
    const float rate = 0.3F;
    online.input = batch.input = {x};
    online.parameters = batch.parameters = {w, 0.25F};
    const float residual = (0.25F + w * x) - 1.0F;
    const float d = (residual + residual) * 1.0F;
    CHECK(online.online(rate) == residual * residual);
    CHECK(batch.batch(rate, 1) == residual * residual);
    const float g = rate * d;
    const float gradient = d * x;
    CHECK(online.parameters == std::vector<float>{w - g * x, 0.25F - rate * d});
    CHECK(batch.parameters == std::vector<float>{w - rate * gradient, 0.25F - rate * d});
    differed = differed || online.parameters[0] != batch.parameters[0];
  }
  CHECK(differed);  // otherwise this test could not tell the two rules apart
}

TEST_CASE("training: the loss falls when the rate is small", "[common][nn]") {
  Trainer trainer(GENERATE(sine_net(), conv_net()));
  const float first = trainer.online(0.01F);
  float last = first;
  for (int i = 0; i < 50; ++i) last = trainer.online(0.01F);
  CHECK(last < first);
}

TEST_CASE("training: a batch with a loss that is not finite changes nothing", "[common][nn]") {
  Trainer trainer(sine_net());
  trainer.target = GENERATE(1e30F, kInfinity, kNan);
  const std::vector<float> before = trainer.parameters;
  CHECK(trainer.batch(0.1F, 2) == kInfinity);
  CHECK(same_bits(trainer.parameters.data(), before.data(), before.size()));
}

TEST_CASE("training: an online step reports a loss that is not finite", "[common][nn]") {
  Trainer trainer(sine_net());
  trainer.target = GENERATE(1e30F, kInfinity, kNan);
  CHECK_FALSE(std::isfinite(trainer.online(0.1F)));
}

TEST_CASE("training: cross-entropy survives scores that overflow exp", "[common][nn]") {
  Trainer trainer({{1, 1, 1}, {dense(3)}, nn::Loss::kSoftmaxCrossEntropy});
  trainer.input = {1.0F};
  trainer.parameters = {1e30F, 0.0F, -1e30F, 0.0F, 0.0F, 0.0F};
  trainer.target = 0.0F;
  CHECK(trainer.online(0.1F) == arithmetic::log(1.0F + arithmetic::exp(-87.0F) + arithmetic::exp(-87.0F)));
  trainer.parameters = {1e30F, 0.0F, -1e30F, 0.0F, 0.0F, 0.0F};
  trainer.target = 2.0F;
  CHECK(trainer.online(0.1F) == 2e30F);
}

TEST_CASE("training: loss_of and predict agree with a step of rate 0", "[common][nn]") {
  Trainer trainer(GENERATE(sine_net(), conv_net()));
  std::vector<float> sample = trainer.samples(1);
  const Span<float> span(sample.data(), sample.size());
  const auto outputs = nn::predict(trainer.network, {trainer.parameters.data(), trainer.parameters.size()}, span);
  CHECK(outputs.size() == trainer.network.output_size());
  const float loss = nn::loss_of(trainer.network, span, {&trainer.target, &constant_target});
  const std::vector<float> before = trainer.parameters;
  CHECK(trainer.online(0.0F) == loss);
  CHECK(trainer.parameters == before);
}

TEST_CASE("training: the prediction is the first largest output", "[common][nn]") {
  const float tie[] = {1.0F, 3.0F, 3.0F, 2.0F};
  CHECK(nn::argmax(Span<const float>(tie)) == 1);
  const float nan_first[] = {kNan, 3.0F};
  CHECK(nn::argmax(Span<const float>(nan_first)) == 0);
  const float nan_later[] = {1.0F, kNan, 2.0F};
  CHECK(nn::argmax(Span<const float>(nan_later)) == 2);
}

TEST_CASE("training: all_finite sees NaN and infinities anywhere", "[common][nn]") {
  std::vector<float> values(9, 1.0F);
  CHECK(nn::all_finite({values.data(), values.size()}));
  const auto place = GENERATE(0U, 4U, 8U);
  values[place] =
      GENERATE(-kInfinity, kInfinity, kNan);  // a variable must not come first: GENERATE would keep references
  CHECK_FALSE(nn::all_finite({values.data(), values.size()}));
}
