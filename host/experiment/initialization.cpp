#include <algorithm>
#include <cmath>
#include <iterator>
#include <stdexcept>

#include "skink/common/arithmetic/philox.hpp"
#include "skink/common/arithmetic/real.hpp"
#include "skink/host/experiment/experiment.hpp"

namespace skink {
namespace {

using arithmetic::Purpose;
using arithmetic::RandomStream;
using arithmetic::uniform;
using arithmetic::uniform_between;

/// Numerator and denominator of the rational function that is nearest to ReLU on [-3, 3] (docs/arithmetic.md, section
/// 9).
constexpr float kRationalRelu[] = {0.1238F, 0.5F, 0.4305F, 0.0987F, 0.0F, 0.1974F};

constexpr std::uint32_t kWeights = 0;
constexpr std::uint32_t kBiases = 1;

std::uint32_t fan_in(const nn::LayerPlan& plan) {
  if (plan.spec.kind == nn::LayerKind::kDense) return static_cast<std::uint32_t>(plan.in.size());
  const std::uint32_t taps = std::uint32_t{plan.spec.kernel_height} * plan.spec.kernel_width;
  return plan.spec.kind == nn::LayerKind::kConv2d ? taps * plan.in.channels : taps;
}

void fill_he_uniform(const nn::LayerPlan& plan, float gain, RandomStream words, float* weights) {
  const std::uint32_t count = plan.bias - plan.weights;
  const float bound = gain * std::sqrt(6.0F / static_cast<float>(fan_in(plan)));
  for (std::uint32_t e = 0; e < count; ++e) {
    const float u = uniform(words.word_at(e));
    weights[e] = ((u + u) - 1.0F) * bound;
  }
}

/// A ReLU unit w * x + b has its corner at -b / w: the corners are spread over the inputs.
void fill_kinks(const LayerConfig& layer, RandomStream words, RandomStream bias_words, float* weights, float* biases) {
  for (std::uint32_t e = 0; e < layer.spec.units; ++e) {
    const float slope = uniform_between(words.word_at(2 * e), layer.slope_min, layer.slope_max);
    weights[e] = words.word_at(2 * e + 1) >= 0x80000000U ? -slope : slope;
    const float corner = uniform_between(bias_words.word_at(e), layer.input_min, layer.input_max);
    biases[e] = -(weights[e] * corner);
  }
}

}  // namespace

std::vector<float> initial_parameters(const ModelConfig& model, std::uint64_t seed) {
  const nn::Network network = make_network(model);
  std::vector<float> parameters(network.parameter_count(), 0.0F);
  for (std::uint32_t l = 0; l < network.layers().size(); ++l) {
    const nn::LayerPlan& plan = network.layers()[l];
    const LayerConfig& layer = model.layers[l];
    if (!nn::has_parameters(plan.spec.kind)) continue;
    float* weights = parameters.data() + plan.weights;
    if (plan.spec.kind == nn::LayerKind::kGroupNorm) {
      std::fill(weights, parameters.data() + plan.bias, 1.0F);
      continue;
    }
    if (plan.spec.kind == nn::LayerKind::kRational) {
      std::copy(std::begin(kRationalRelu), std::end(kRationalRelu), weights);
      continue;
    }
    const RandomStream words(seed, Purpose::kInitialization, l, kWeights);
    const RandomStream bias_words(seed, Purpose::kInitialization, l, kBiases);
    switch (layer.initializer) {
      case Initializer::kZeros: break;
      case Initializer::kHeUniform: fill_he_uniform(plan, layer.gain, words, weights); break;
      case Initializer::kKinks: fill_kinks(layer, words, bias_words, weights, parameters.data() + plan.bias); break;
    }
  }
  for (float& parameter : parameters) parameter = arithmetic::canonical(parameter);
  return parameters;
}

std::vector<float> initial_parameters(const Experiment& experiment) {
  if (experiment.init.is_random()) return initial_parameters(experiment.model, experiment.seed);
  if (!experiment.init.is_found()) throw std::runtime_error("the model that the experiment begins with was not found");
  return *experiment.init.parameters;
}

}  // namespace skink
