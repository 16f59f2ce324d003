#include "skink/common/nn/planner.hpp"

namespace skink::nn {

MemoryPlan plan_memory(const Network& network, const PlanRequest& request) noexcept {
  const bool online = request.batch_size == 1;
  const size_t samples = request.batch_size < kSliceSamples ? request.batch_size : kSliceSamples;
  const size_t target_size = network.loss() == Loss::kSoftmaxCrossEntropy ? 1 : network.output_size();
  MemoryPlan plan;
  plan.parameters = 4 * network.parameter_count();
  plan.inputs = 4 * samples * network.input_size();
  plan.activations = 4 * samples * network.activation_count();
  plan.scratch = 4 * network.scratch_count();
  plan.gradients = online ? 0 : 4 * network.parameter_count();
  plan.support = size_t{4} * request.buffered_samples * (network.input_size() + target_size);
  plan.codec = request.codec_bytes;
  plan.residual = request.residual_bytes;
  plan.total = plan.parameters + plan.inputs + plan.activations + plan.scratch + plan.gradients + plan.support +
               plan.codec + plan.residual;
  return plan;
}

}  // namespace skink::nn
