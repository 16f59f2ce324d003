#include "skink/common/nn/training.hpp"

#include "skink/common/arithmetic/real.hpp"
#include "skink/common/nn/kernels/passes.hpp"

namespace skink::nn {
namespace {

/// The targets of one sample.
struct SampleTarget {
  const Targets& targets;
  size_t sample;
  float operator()(size_t output) const noexcept { return targets.value(targets.context, sample, output); }
};

size_t first_layer(const Network& network, Given given) noexcept {
  return given == Given::kInput ? 0 : network.first_moving_layer();
}

kernels::View<float> view_of(const Parameters& parameters) noexcept {
  if (parameters.in_place == nullptr) return {parameters.ram.data(), nullptr};
  return {parameters.in_place, parameters.ram.empty() ? nullptr : parameters.ram.data()};
}

}  // namespace

Span<const float> predict(const Network& network, Span<const float> parameters, Span<float> sample) noexcept {
  return predict_with(network, {{}, parameters.data()}, sample);
}

Span<const float> predict_with(const Network& network, const Parameters& parameters, Span<float> sample) noexcept {
  kernels::forward(network, view_of(parameters), sample.data(), 1, 0, network.layers().size());
  return {sample.data() + network.output_offset(), network.output_size()};
}

size_t argmax(Span<const float> outputs) noexcept {
  size_t best = 0;
  for (size_t o = 1; o < outputs.size(); ++o) {
    if (outputs[o] > outputs[best]) best = o;
  }
  return best;
}

float loss_of(const Network& network, Span<float> sample, const Targets& targets) noexcept {
  return kernels::loss_gradient(network, sample.data(), SampleTarget{targets, 0});
}

float online_step(const Network& network, const Parameters& parameters, float inner_learning_rate, Span<float> sample,
                  const Targets& targets, Span<float> scratch, Given given) noexcept {
  kernels::forward(network, view_of(parameters), sample.data(), 1, first_layer(network, given),
                   network.layers().size());
  const float loss = kernels::loss_gradient(network, sample.data(), SampleTarget{targets, 0});
  kernels::backward(network, view_of(parameters), parameters.ram.data(), -inner_learning_rate, sample.data(), 1,
                    scratch.data());
  return loss;
}

float accumulate_gradients(const Network& network, const Parameters& parameters, Span<float> samples, size_t count,
                           const Targets& targets, Span<float> gradients, Span<float> scratch, Given given) noexcept {
  kernels::forward(network, view_of(parameters), samples.data(), count, first_layer(network, given),
                   network.layers().size());
  float largest = 0.0F;
  for (size_t s = 0; s < count; ++s) {
    float* sample = samples.data() + s * network.sample_count();
    const float loss = kernels::loss_gradient(network, sample, SampleTarget{targets, s});
    if (!arithmetic::is_finite(loss)) return arithmetic::RealTraits<float>::from_bits(0x7f800000U);
    if (loss > largest) largest = loss;
  }
  kernels::backward(network, view_of(parameters), gradients.data(), 1.0F, samples.data(), count, scratch.data());
  return largest;
}

void apply_gradients(const Network& network, Span<float> parameters, float inner_learning_rate, size_t count,
                     Span<const float> gradients) noexcept {
  const float step = inner_learning_rate / static_cast<float>(count);
  if (parameters.size() != network.parameter_count()) {  // only those that move
    for (size_t e = 0; e < parameters.size(); ++e) parameters[e] = parameters[e] - step * gradients[e];
    return;
  }
  for (const Tensor& tensor : network.tensors()) {
    if (!tensor.trainable) continue;
    for (size_t e = tensor.offset; e < tensor.offset + size_t{tensor.count}; ++e) {
      parameters[e] = parameters[e] - step * gradients[e];
    }
  }
}

float batch_step(const Network& network, Span<float> parameters, float inner_learning_rate, Span<float> samples,
                 size_t count, const Targets& targets, Span<float> gradients, Span<float> scratch) noexcept {
  for (float& gradient : gradients) gradient = 0.0F;
  const float largest = accumulate_gradients(network, parameters, samples, count, targets, gradients, scratch);
  if (arithmetic::is_finite(largest)) apply_gradients(network, parameters, inner_learning_rate, count, gradients);
  return largest;
}

void pull_towards(Span<const float> phi, float pull, Span<float> parameters) noexcept {
  for (size_t e = 0; e < parameters.size(); ++e) {
    parameters[e] = parameters[e] - pull * (parameters[e] - phi[e]);
  }
}

bool all_finite(Span<const float> values) noexcept {
  for (const float value : values) {
    if (!arithmetic::is_finite(value)) return false;
  }
  return true;
}

}  // namespace skink::nn
