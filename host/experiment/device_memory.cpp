#include "skink/host/experiment/device_memory.hpp"

#include "skink/common/codec/codec.hpp"
#include "skink/common/model/model_file.hpp"
#include "skink/host/experiment/model_match.hpp"
#include "skink/host/experiment/scope.hpp"
#include "skink/host/experiment/strategies.hpp"

namespace skink {
namespace {

/// Of a support sample that several passes come to.
std::size_t latent_bytes(const nn::Network& network, std::uint32_t passes) {
  const bool is_kept = network.has_frozen_trunk() && passes > 1 && network.loss() != nn::Loss::kReconstruction;
  return is_kept ? network.latent_size() * sizeof(float) : 0;
}

}  // namespace

DeviceMemory device_memory(const Experiment& experiment) {
  const nn::Network network = make_network(experiment.model);
  const ScopedNetworks scopes = scoped_networks(experiment);
  DeviceMemory memory;
  nn::PlanRequest adapt;
  adapt.batch_size = experiment.meta.batch_size;
  adapt.input_scales = experiment.model.input_scale.size();
  adapt.query_gradient = learns_from(experiment) == LearnsFrom::kQuery;
  codec::Codec codec{};
  if (codec::parse(experiment.uplink.c_str(), codec)) {  // the experiment was checked
    adapt.codec_bytes = codec::state_bytes(codec, scopes.sent);
    adapt.residual_bytes = codec::residual_bytes(codec, scopes.sent);
    memory.update = codec::encoded_bytes(codec, scopes.sent);
  }
  codec::Codec downlink{};
  if (experiment.downlink != kWholeModel && codec::parse(experiment.downlink.c_str(), downlink)) {
    memory.patching = 4 * network.parameter_count() + codec::patch_bytes(downlink, scopes.sent) + adapt.residual_bytes;
    memory.patch = codec::encoded_bytes(downlink, scopes.sent);
  }
  nn::PlanRequest evaluate;
  evaluate.batch_size = experiment.evaluation.batch_size;
  evaluate.input_scales = adapt.input_scales;
  memory.adapt = nn::plan_memory(scopes.sent, adapt);
  memory.evaluate = nn::plan_memory(scopes.evaluating, evaluate);
  const bool splits = scopes.adapting.frozen() != 0 && !adapt.query_gradient;
  memory.adapt_moved = splits ? scopes.adapting.trainable_count() * sizeof(float) : memory.adapt.parameters;
  memory.evaluate_moved = scopes.evaluating.frozen() != 0 ? scopes.evaluating.trainable_count() * sizeof(float)
                                                          : memory.evaluate.parameters;
  memory.latent = std::max(latent_bytes(adapt.query_gradient ? scopes.sent : scopes.adapting, experiment.meta.passes),
                           latent_bytes(scopes.evaluating, experiment.evaluation.passes));
  memory.model = model::model_bytes(ExperimentModel(experiment.model).get());
  return memory;
}

}  // namespace skink
