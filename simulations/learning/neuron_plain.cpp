#include "neuron_plain.hpp"

#include <cassert>

#include "skink/common/nn/kernels/passes.hpp"
#include "skink/common/nn/training.hpp"

namespace skink::simulations {

void plain_forward(const NeuronLayer& layer, const float* image, const float* x, float* y) noexcept {
  nn::kernels::forward_layer(layer.plan, image + layer.weights, image + layer.bias, x, y);
}

void plain_backward(const NeuronLayer& layer, const float* image, float* target, float scale, float* x, const float* d,
                    float* scratch) noexcept {
  assert(target != nullptr);  // the comparisons of `update` with null do not concern it
  const bool has_parameters = nn::has_parameters(layer.plan.spec.kind);
  nn::kernels::Update<float> update;
  update.weights = has_parameters && layer.plan.moves_weights ? target + layer.weights : nullptr;
  update.bias = has_parameters && layer.plan.moves_bias ? target + layer.bias : nullptr;
  update.scale = scale;
  update.propagates = layer.plan.propagates;
  update.in_activation = layer.plan.in_activation;
  nn::kernels::backward_layer(layer.plan, image + layer.weights, image + layer.bias, x, d, scratch, update);
}

bool ends_backward(const NeuronLayer& layer) noexcept { return nn::kernels::ends_backward(layer.plan); }

float plain_loss(const nn::Network& network, float* outputs, const float* input, const float* targets) noexcept {
  const float* wanted = network.loss() == nn::Loss::kReconstruction ? input : targets;
  const auto target = [wanted](std::size_t output) { return wanted[output]; };
  if (network.loss() == nn::Loss::kSoftmaxCrossEntropy) {
    return nn::kernels::softmax_cross_entropy(outputs, network.output_size(), targets[0]);
  }
  if (network.loss() == nn::Loss::kMulticlassHinge) {
    return nn::kernels::multiclass_hinge(outputs, network.output_size(), targets[0]);
  }
  return nn::kernels::mean_squared_error(outputs, network.output_size(), target, network.output_activation());
}

}  // namespace skink::simulations
