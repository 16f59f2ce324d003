/// @file
/// What a device is for: predictions between rounds. Apart from client.cpp and task_runner.cpp, so that an image which
/// predicts nothing does not hold it.

#include "alignment.hpp"
#include "skink/edge/client.hpp"

namespace skink::edge {

Status TaskRunner::load_weights(const model::ModelInfo& model, const model::ByteSource& phi, MutableBytes arena,
                                bool in_place) noexcept {
  if (!is_aligned(arena)) return Status::kInvalidArgument;
  const nn::Network& network = model.model.network;
  size_t parameters = network.parameter_count();
  const size_t scales = model.model.input.count == 1 ? 0 : 2 * model.model.input.count;
  const size_t others = scales + network.sample_count();
  const float* where = nullptr;
  if (in_place && arena.size() / sizeof(float) < parameters + others) {
    where = model::parameters_in_place(phi, model);
    if (where != nullptr) parameters = 0;
  }
  if (arena.size() / sizeof(float) < parameters + others) return Status::kBufferTooSmall;
  auto* numbers = reinterpret_cast<float*>(arena.data());
  in_place_ = where;
  weights_frozen_ = 0;
  parameters_ = {numbers, parameters};
  normalisation_ = {numbers + parameters, scales};
  sample_ = {numbers + parameters + scales, network.sample_count()};
  Status status = where != nullptr ? Status::kOk : model::read_parameters(phi, model, 0, parameters_);
  if (status == Status::kOk) status = load_scales(model, phi);
  if (status == Status::kOk) weights_ = Weights::kReceived;
  return status;
}

bool TaskRunner::load_personal(const internal::PersonalWeights& personal) noexcept {
  const bool is_sound = personal.read(parameters_) == Status::kOk && nn::all_finite(parameters_);
  weights_ = is_sound ? Weights::kAdapted : Weights::kNone;
  return is_sound;
}

Status TaskRunner::predict(model::Model& model, Span<const float> stored, Span<float> outputs) noexcept {
  nn::Network& network = model.network;
  if (stored.size() != network.input_size() || outputs.size() != network.output_size()) return Status::kShapeMismatch;
  for (size_t i = 0; i < stored.size(); ++i) sample_[i] = stored[i];
  input_scale_.apply(sample_.first(stored.size()));
  if (in_place_ != nullptr) (void)network.freeze(weights_frozen_);
  const Span<const float> computed = nn::predict_with(network, view(), sample_);
  for (size_t i = 0; i < computed.size(); ++i) outputs[i] = computed[i];
  return Status::kOk;
}

/// What is kept of adapt_now(), else phi, into the part of the arena that nothing else needs.
Status Client::load_phi(const internal::ModelSlot& slot) noexcept {
  if (!slot.has_model()) return Status::kUnavailable;
  const bool in_place = !personal_.is_of(slot.info());  // what is kept is read into the arena
  Status status = runner_.load_weights(slot.info(), slot.memory(), spare_arena(), in_place);
  if (status == Status::kBufferTooSmall && give_up_result()) {
    status = runner_.load_weights(slot.info(), slot.memory(), spare_arena(), in_place);
  }
  if (status != Status::kOk || !personal_.is_of(slot.info()) || runner_.load_personal(personal_)) return status;
  personal_.forget();
  set_use(wire::ReleaseUse::kNotJudged);
  is_judgement_due_ = adapts_itself();
  return runner_.load_weights(slot.info(), slot.memory(), spare_arena(), true);
}

Status Client::predict(Span<const float> stored, Span<float> outputs) noexcept {
  if (is_working() || download_.is_patching()) return Status::kUnavailable;
  internal::ModelSlot& slot = used();
  if (runner_.weights() == Weights::kNone || (uses_own_weights() && !has_own_weights_)) {
    const Status status = load_phi(slot);
    if (status != Status::kOk) return status;
    has_own_weights_ = uses_own_weights();
  }
  return runner_.predict(slot.info().model, stored, outputs);
}

}  // namespace skink::edge
