#include "skink/common/nn/planner.hpp"

#include "skink/common/sizes.hpp"

namespace skink::nn {
namespace {

size_t bytes_of(size_t samples, size_t numbers) noexcept {
  return saturating_multiply(samples, sizeof(float) * numbers);  // a network's numbers are at most kMaxNumbers
}

}  // namespace

MemoryPlan plan_memory(const Network& network, const PlanRequest& request) noexcept {
  const bool online = request.batch_size == 1;
  const size_t samples = request.batch_size < kSliceSamples ? request.batch_size : kSliceSamples;
  MemoryPlan plan;
  plan.parameters = bytes_of(1, request.frozen_in_place ? network.trainable_count() : network.parameter_count());
  plan.normalisation = request.input_scales > 1 ? bytes_of(2, request.input_scales) : 0;
  plan.inputs = bytes_of(samples, network.input_size());
  plan.activations = bytes_of(samples, network.activation_count());
  plan.scratch = bytes_of(1, network.scratch_count());
  plan.gradients = online && !request.query_gradient ? 0 : plan.parameters;
  plan.support = bytes_of(request.buffered_samples, network.input_size() + network.target_size());
  plan.codec = request.codec_bytes;
  plan.latents = bytes_of(request.latents, network.latent_size());
  plan.residual = request.residual_bytes;
  const size_t parts[] = {plan.parameters, plan.normalisation, plan.inputs, plan.activations, plan.scratch,
                          plan.gradients,  plan.support,       plan.codec,  plan.latents,     plan.residual};
  for (const size_t part : parts) plan.total = saturating_add(plan.total, part);
  return plan;
}

}  // namespace skink::nn
