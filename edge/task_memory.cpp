/// @file
/// What a task keeps in the arena, and where its samples come from.

#include <string.h>

#include "skink/edge/task_runner.hpp"

namespace skink::edge {

// ---- the arena

/// What only saves time or flash gives way first.
Status TaskRunner::plan(MutableBytes arena) noexcept {
  const nn::Network& network = model_->model.network;
  const bool uses_query = settings_.change == wire::ChangeKind::kQueryGradient;
  // A query gradient is of everything. Without a task's scope the adapted weights may be kept, as a whole.
  const bool can_split = settings_.frozen != 0 && !uses_query;
  const float* in_place = can_split ? model::parameters_in_place(phi_, *model_) : nullptr;
  nn::PlanRequest request;
  request.batch_size = settings_.batch_size;
  request.query_gradient = uses_query;
  request.frozen_in_place = in_place != nullptr;
  request.buffered_samples = samples_.replayable ? 0 : counts_.support;
  request.input_scales = model_->model.input.count;
  request.codec_bytes = settings_.codec_bytes;
  request.residual_bytes = settings_.residual_bytes;
  const bool keeps_latents = network.has_frozen_trunk() && settings_.passes > 1 &&
                             network.loss() != nn::Loss::kReconstruction;  // whose targets are the inputs
  request.latents = keeps_latents ? counts_.support : 0;
  while ((plan_ = nn::plan_memory(network, request)).total > arena.size()) {
    if (request.latents != 0) {
      request.latents = 0;
      continue;
    }
    if (request.residual_bytes == 0 || !settings_.has_residual_store) return Status::kBufferTooSmall;
    request.residual_bytes = 0;  // it goes to the store
  }
  auto* cursor = reinterpret_cast<float*>(arena.data());
  const auto take = [&cursor](size_t bytes) noexcept {
    const Span<float> part(cursor, bytes / sizeof(float));
    cursor += part.size();
    return part;
  };
  // Weights from before stay until the first step, but not where they would lie elsewhere.
  if (in_place != nullptr || in_place_ != nullptr) weights_ = Weights::kNone;
  in_place_ = in_place;
  parameters_ = take(plan_.parameters);
  normalisation_ = take(plan_.normalisation);
  sample_ = take(plan_.inputs + plan_.activations);
  scratch_ = take(plan_.scratch);
  gradients_ = take(plan_.gradients);
  support_ = take(plan_.support);
  codec_state_ = {reinterpret_cast<uint8_t*>(cursor), plan_.codec};
  cursor += plan_.codec / sizeof(float);
  latents_ = take(plan_.latents);
  const size_t residual = plan_.residual / sizeof(float);
  residual_ = {reinterpret_cast<float*>(arena.data()) + arena.size() / sizeof(float) - residual, residual};
  return Status::kOk;
}

/// phi, or of it what moves. @returns false: it could not be read, and the task has failed.
bool TaskRunner::load_parameters() noexcept {
  if (in_place_ == nullptr) return read_phi(0, parameters_);
  for_each_moved(
      [](Span<const float> phi, Span<float> w) noexcept { memcpy(w.data(), phi.data(), w.size() * sizeof(float)); });
  return true;
}

// ---- samples

/// Several scales are read into the arena.
Status TaskRunner::load_scales(const model::ModelInfo& model, const model::ByteSource& phi) noexcept {
  input_scale_ = model.model.input;
  if (input_scale_.count == 1) return Status::kOk;
  input_scale_.scales = normalisation_.data();
  input_scale_.offsets = normalisation_.data() + input_scale_.count;
  return model::read_input_scales(phi, model, normalisation_);
}

Status TaskRunner::buffer_support() noexcept {
  const size_t inputs = model_->model.network.input_size();
  const size_t targets = model_->model.network.target_size();
  for (uint32_t i = 0; i < counts_.support; ++i) {
    const Span<float> slot = support_.subspan(i * (inputs + targets), inputs + targets);
    const Status status = samples_.input(samples_.context, SampleSet::kSupport, i, slot.first(inputs));
    if (status != Status::kOk) return status;
    for (uint32_t o = 0; o < targets; ++o) {
      slot[inputs + o] = samples_.target(samples_.context, SampleSet::kSupport, i, o);
    }
  }
  return Status::kOk;
}

/// Stored values, then the model's normalisation: x = stored * scale + offset. Where samples cannot be read again, a
/// query sample's target is known from now on, and checked.
Status TaskRunner::read_sample(SampleSet set, uint32_t index, Span<float> sample) noexcept {
  const model::Model& model = model_->model;
  const size_t inputs = model.network.input_size();
  const Span<float> input = sample.first(inputs);
  if (set == SampleSet::kSupport && !samples_.replayable) {
    const Span<float> slot = support_.subspan(index * (inputs + model.network.target_size()), inputs);
    for (size_t i = 0; i < inputs; ++i) input[i] = slot[i];
  } else {
    const Status status = samples_.input(samples_.context, set, index, input);
    if (status != Status::kOk) return status;
  }
  input_scale_.apply(input);
  return samples_.replayable || set == SampleSet::kSupport ? Status::kOk : check_targets(set, index, 1);
}

/// Known since the first pass, of all samples or of none.
bool TaskRunner::has_latents() const noexcept { return pass_ != 0 && fits_latents(); }

bool TaskRunner::fits_latents() const noexcept {
  return phase_ == Phase::kAdapt && counts_.support <= latents_.size() / model_->model.network.latent_size();
}

/// After the first step with a sample, which leaves the latent as it was.
void TaskRunner::keep_latent(uint32_t index, Span<const float> sample) noexcept {
  const size_t numbers = model_->model.network.latent_size();
  if (pass_ != 0 || !fits_latents()) return;
  memcpy(latents_.data() + index * numbers, sample.data() + model_->model.network.latent_offset(),
         numbers * sizeof(float));
}

/// The input of a sample, or its latent where that is known.
Status TaskRunner::read_step_sample(SampleSet set, uint32_t index, Span<float> sample) noexcept {
  if (!has_latents()) return read_sample(set, index, sample);
  const size_t numbers = model_->model.network.latent_size();
  memcpy(sample.data() + model_->model.network.latent_offset(), latents_.data() + index * numbers,
         numbers * sizeof(float));
  return Status::kOk;
}

float TaskRunner::target_of(SampleSet set, uint32_t index, uint32_t output) const noexcept {
  if (set == SampleSet::kSupport && !samples_.replayable) {
    const size_t inputs = model_->model.network.input_size();
    return support_[index * (inputs + model_->model.network.target_size()) + inputs + output];
  }
  return samples_.target(samples_.context, set, index, output);
}

/// Those of samples from `first` on.
Status TaskRunner::check_targets(SampleSet set, uint32_t first, uint32_t count) const noexcept {
  const nn::Network& network = model_->model.network;
  const bool is_label = nn::has_labels(network.loss());
  const auto labels = static_cast<float>(network.output_size());
  for (uint32_t i = first; i < first + count; ++i) {
    for (uint32_t o = 0; o < network.target_size(); ++o) {
      const float target = target_of(set, i, o);
      float label = 0.0F;
      while (is_label && label < target && label < labels) label += 1.0F;
      const bool is_known = is_label ? label == target && label < labels : arithmetic::is_finite(target);
      if (!is_known) return Status::kInvalidArgument;
    }
  }
  return Status::kOk;
}

}  // namespace skink::edge
