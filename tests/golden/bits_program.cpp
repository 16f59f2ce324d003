/// @file
/// Trains small networks on numbers of its own and writes their parameters, so that builds by different compilers
/// and flags can be compared bit for bit (bits_test.sh). With an argument it says what the canary found instead.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "skink/common/arithmetic/canary.hpp"
#include "skink/common/arithmetic/elementary.hpp"
#include "skink/common/arithmetic/fixed_point.hpp"
#include "skink/common/arithmetic/permutation.hpp"
#include "skink/common/arithmetic/philox.hpp"
#include "skink/common/nn/training.hpp"

using namespace skink;

namespace {

constexpr std::uint32_t kRounds = 6;
constexpr std::uint32_t kSamples = 12;

nn::LayerSpec layer(nn::LayerKind kind, std::uint16_t units = 0, std::uint8_t kernel = 0, std::uint8_t stride = 0,
                    nn::Padding padding = nn::Padding::kValid) {
  nn::LayerSpec spec;
  spec.kind = kind;
  spec.units = units;
  spec.kernel_height = spec.kernel_width = kernel;
  spec.stride_height = spec.stride_width = stride;
  spec.padding = padding;
  return spec;
}

nn::Network build(nn::Shape input, const std::vector<nn::LayerSpec>& layers, nn::Loss loss) {
  nn::Network network;
  nn::BuildError error;
  if (nn::Network::build(input, {layers.data(), layers.size()}, loss, network, error) != Status::kOk) {
    std::fprintf(stderr, "layer %zu: %s\n", error.layer, error.reason);
    std::exit(2);
  }
  return network;
}

nn::Network sine_network() {
  return build({1, 1, 1},
               {layer(nn::LayerKind::kDense, 20), layer(nn::LayerKind::kRelu), layer(nn::LayerKind::kDense, 20),
                layer(nn::LayerKind::kTanh), layer(nn::LayerKind::kDense, 1)},
               nn::Loss::kMeanSquaredError);
}

/// The network of conv.toml.
nn::Network image_network() {
  using nn::LayerKind;
  nn::LayerSpec second = layer(LayerKind::kConv2d, 6, 3, 1, nn::Padding::kSame);
  second.train_bias = false;
  return build({14, 14, 1},
               {layer(LayerKind::kConv2d, 4, 3, 2, nn::Padding::kSame), layer(LayerKind::kRelu),
                layer(LayerKind::kMaxPool, 0, 2, 2), second, layer(LayerKind::kTanh),
                layer(LayerKind::kAveragePool, 0, 2, 1, nn::Padding::kSame), layer(LayerKind::kFlatten),
                layer(LayerKind::kDense, 3)},
               nn::Loss::kSoftmaxCrossEntropy);
}

/// The network of layers.toml.
nn::Network layers_network() {
  using nn::LayerKind;
  nn::LayerSpec second = layer(LayerKind::kDepthwiseConv2d, 0, 3, 1);
  second.kernel_width = second.stride_height = 2;
  second.train_bias = false;
  return build({14, 14, 1},
               {layer(LayerKind::kConv2d, 4, 3, 2, nn::Padding::kSame), layer(LayerKind::kRational),
                layer(LayerKind::kDepthwiseConv2d, 0, 3, 1, nn::Padding::kSame), layer(LayerKind::kConv2d, 6, 1, 1),
                layer(LayerKind::kGroupNorm, 3), layer(LayerKind::kTanh), second, layer(LayerKind::kGroupNorm, 1),
                layer(LayerKind::kRelu), layer(LayerKind::kGlobalAveragePool), layer(LayerKind::kDense, 3)},
               nn::Loss::kSoftmaxCrossEntropy);
}

/// Random numbers of one purpose and round.
float number(std::uint32_t purpose, std::uint32_t round, std::uint32_t sample, std::uint32_t e, float low, float high) {
  const arithmetic::PhiloxBlock block = arithmetic::philox(2024, e / 4, purpose, round, sample);
  return arithmetic::uniform_between(block.words[e % 4], low, high);
}

/// The samples of a round: a wave for the network with one input, else noise with a bright bar for each class.
struct Samples {
  const nn::Network* network;
  std::uint32_t round;
  std::vector<std::uint32_t> order;

  void fill(float* input, std::uint32_t sample) const {
    const auto size = static_cast<std::uint32_t>(network->input_size());
    for (std::uint32_t i = 0; i < size; ++i) {
      input[i] = number(5, round, sample, i, size == 1 ? -5.0F : 0.0F, size == 1 ? 5.0F : 0.3F);
      if (size > 1 && (i / 14) % 3 == sample % 3 && i % 14 > 3) input[i] = input[i] + 0.7F;
    }
  }

  static float target(const void* context, std::size_t place, std::size_t /*output*/) {
    const auto& samples = *static_cast<const Samples*>(context);
    const std::uint32_t sample = samples.order[place];
    if (samples.network->input_size() > 1) return static_cast<float>(sample % 3);
    const float x = number(5, samples.round, sample, 0, -5.0F, 5.0F);
    const float amplitude = number(4, samples.round, 0, 0, 0.1F, 5.0F);
    return amplitude * arithmetic::sin(x + number(4, samples.round, 0, 1, 0.0F, 6.2831853F));
  }
};

/// One client's work: two passes, online or in batches of four.
void adapt(const nn::Network& network, std::vector<float>& w, std::uint32_t round, bool online) {
  std::vector<float> scratch(network.scratch_count());
  std::vector<float> gradients(network.parameter_count());
  const std::uint32_t batch = online ? 1 : 4;
  const Span<float> parameters(w.data(), w.size());
  for (std::uint32_t pass = 0; pass < 2; ++pass) {
    const arithmetic::PhiloxBlock key = arithmetic::philox(2024, pass, 6, round, 0);
    for (std::uint32_t first = 0; first < kSamples; first += batch) {
      Samples samples{&network, round, {}};
      std::vector<float> memory(batch * network.sample_count());
      for (std::uint32_t s = 0; s < batch; ++s) {
        samples.order.push_back(arithmetic::permute(first + s, kSamples, key));
        samples.fill(memory.data() + s * network.sample_count(), samples.order.back());
      }
      const nn::Targets targets{&samples, &Samples::target};
      const Span<float> span(memory.data(), memory.size());
      const Span<float> room(scratch.data(), scratch.size());
      if (online) {
        (void)nn::online_step(network, parameters, 0.02F, span, targets, room);
      } else {
        (void)nn::batch_step(network, parameters, 0.05F, span, batch, targets, {gradients.data(), gradients.size()},
                             room);
      }
    }
  }
}

/// Rounds of one device each; the result to standard output.
bool train(const nn::Network& network, bool online) {
  std::vector<float> phi(network.parameter_count());
  for (std::uint32_t e = 0; e < phi.size(); ++e) phi[e] = number(1, 0, 0, e, -0.4F, 0.4F);
  for (std::uint32_t round = 0; round < kRounds; ++round) {
    std::vector<float> w = phi;
    adapt(network, w, round, online);
    for (std::size_t e = 0; e < phi.size(); ++e) {
      const float change = w[e] - phi[e];
      if (!arithmetic::is_aggregatable(change)) return false;
      const double mean = arithmetic::mean_of_fixed_point(arithmetic::to_fixed_point(change) * 3, 3);
      phi[e] = arithmetic::outer_step(phi[e], 0.7, mean);
    }
  }
  return std::fwrite(phi.data(), sizeof(float), phi.size(), stdout) == phi.size();
}

}  // namespace

int main(int argc, char**) {
  if (argc > 1) {
    std::puts(arithmetic::canary_text(arithmetic::check_floating_point()));
    return 0;
  }
  for (const bool online : {true, false}) {
    if (!train(sine_network(), online) || !train(image_network(), online) || !train(layers_network(), online)) return 1;
  }
  return 0;
}
