#include "skink/edge/task_runner.hpp"

#include "alignment.hpp"
#include "skink/common/arithmetic/fixed_point.hpp"
#include "skink/common/arithmetic/permutation.hpp"
#include "skink/common/limits.hpp"

namespace skink::edge {

bool is_valid(const TaskSettings& settings) noexcept {
  const bool rate = arithmetic::is_finite(settings.inner_learning_rate) && settings.inner_learning_rate > 0.0F;
  const bool pull = settings.proximal >= 0.0F && settings.inner_learning_rate * settings.proximal < 1.0F;
  const bool is_plain = settings.proximal == 0.0F && settings.change == wire::ChangeKind::kParameters;
  const bool tasks = settings.kind == wire::TaskKind::kAdapt || (settings.task_count > 0 && is_plain);
  return rate && pull && tasks && settings.passes <= limits::kMaxPasses && settings.batch_size >= 1 &&
         settings.batch_size <= limits::kMaxBatchSize;
}

Status TaskRunner::begin(model::ModelInfo& model, const model::ByteSource& phi, const SampleSource& samples,
                         const TaskSettings& settings, MutableBytes arena) noexcept {
  phase_ = Phase::kDone;
  failure_ = Status::kOk;
  phi_failed_ = false;
  plan_ = {};
  if (!is_valid(settings) || !is_aligned(arena)) return Status::kInvalidArgument;
  nn::Network& network = model.model.network;
  const bool uses_query = settings.change == wire::ChangeKind::kQueryGradient;
  if (network.freeze(settings.frozen) != Status::kOk) {
    (void)network.freeze(0);
    return Status::kInvalidArgument;
  }
  if (uses_query) (void)network.freeze(0);  // its gradient is of everything trainable, and needs the most
  if (!samples.is_complete()) return Status::kUnavailable;
  model_ = &model;
  phi_ = phi;
  samples_ = samples;
  settings_ = settings;
  evaluation_ = {};
  task_ = 0;
  Status status = begin_task();
  if (status == Status::kOk) status = plan(arena);
  if (status == Status::kOk) phase_ = Phase::kLoad;
  return status;
}

Status TaskRunner::begin_task() noexcept {
  request_.seed = settings_.seed;
  request_.is_evaluation = settings_.kind == wire::TaskKind::kEvaluate;
  // Evaluations are made of the same tasks, whenever they are made.
  request_.round = request_.is_evaluation ? 0 : settings_.round;
  request_.number =
      request_.is_evaluation ? settings_.first_task + task_ * settings_.task_step : settings_.device_index;
  const Status status = samples_.begin(samples_.context, request_, counts_);
  if (status == Status::kOk && counts_.support == 0) return Status::kUnavailable;
  const bool needs_query = settings_.change == wire::ChangeKind::kQueryGradient;
  if (status == Status::kOk && needs_query && counts_.query == 0) return Status::kUnavailable;
  return status;
}

Progress TaskRunner::step() noexcept {
  if (phase_ != Phase::kDone && model_->model.network.frozen() != scope()) {
    (void)model_->model.network.freeze(scope());  // begin() has tried it
  }
  switch (phase_) {
    case Phase::kLoad: return load();
    case Phase::kQueryBefore: return query(false);
    case Phase::kAdapt: return adapt();
    case Phase::kQueryGradient: return adapt_batch();
    case Phase::kQueryAfter: return query(true);
    case Phase::kDone: break;
  }
  return Progress::kDone;
}

Progress TaskRunner::fail(Status status) noexcept {
  failure_ = status;
  weights_ = Weights::kNone;
  phase_ = Phase::kDone;
  return Progress::kFailed;
}

Progress TaskRunner::load() noexcept {
  weights_ = Weights::kNone;
  if (!load_parameters()) return Progress::kFailed;
  Status status = load_scales(*model_, phi_);
  phi_failed_ = status != Status::kOk;
  if (status == Status::kOk && settings_.in_use != nullptr) status = settings_.in_use->read(parameters_);
  if (status == Status::kOk && !samples_.replayable) status = buffer_support();
  // Once a task, so that no step of the training does.
  if (status == Status::kOk) status = check_targets(SampleSet::kSupport, 0, counts_.support);
  const bool uses_query = request_.is_evaluation || settings_.change == wire::ChangeKind::kQueryGradient;
  if (status == Status::kOk && uses_query && samples_.replayable) {
    status = check_targets(SampleSet::kQuery, 0, counts_.query);
  }
  if (status != Status::kOk) return fail(status);
  pass_ = 0;
  position_ = 0;
  accumulated_ = 0;
  order_known_ = false;
  phase_ = request_.is_evaluation ? Phase::kQueryBefore : Phase::kAdapt;
  return Progress::kMore;
}

uint32_t TaskRunner::support_at(uint32_t position) const noexcept {
  return arithmetic::permute(position, counts_.support, order_);
}

SampleSet TaskRunner::current_set() const noexcept {
  return phase_ == Phase::kAdapt ? SampleSet::kSupport : SampleSet::kQuery;
}

/// Query samples are taken as they come.
uint32_t TaskRunner::current_index(uint32_t sample) const noexcept {
  const uint32_t position = position_ + accumulated_ + sample;
  return phase_ == Phase::kAdapt ? support_at(position) : position;
}

float TaskRunner::current_target(const void* context, size_t sample, size_t output) noexcept {
  const auto& runner = *static_cast<const TaskRunner*>(context);
  const uint32_t index = runner.current_index(static_cast<uint32_t>(sample));
  return runner.target_of(runner.current_set(), index, static_cast<uint32_t>(output));
}

Progress TaskRunner::adapt() noexcept {
  if (pass_ == settings_.passes) {
    const bool diverged = !nn::all_finite(parameters_);
    if (diverged || settings_.change == wire::ChangeKind::kParameters) return finish_adaptation(diverged);
    phase_ = Phase::kQueryGradient;
    return Progress::kMore;
  }
  if (!order_known_) {
    const auto purpose =
        request_.is_evaluation ? arithmetic::Purpose::kEvaluationOrder : arithmetic::Purpose::kSampleOrder;
    order_ = arithmetic::philox(settings_.seed, pass_, static_cast<uint32_t>(purpose), request_.round, request_.number);
    order_known_ = true;
  }
  const Progress progress = settings_.batch_size == 1 ? adapt_online() : adapt_batch();
  if (progress != Progress::kMore || phase_ != Phase::kAdapt) return progress;
  if (position_ == counts_.support) {
    position_ = 0;
    ++pass_;
    order_known_ = false;
  }
  return Progress::kMore;
}

Progress TaskRunner::adapt_online() noexcept {
  const uint32_t index = support_at(position_);
  const nn::Given given = has_latents() ? nn::Given::kLatent : nn::Given::kInput;
  const Status status = read_step_sample(SampleSet::kSupport, index, sample_);
  if (status != Status::kOk) return fail(status);
  const nn::Targets targets{this, &current_target};
  const float loss =
      nn::online_step(model_->model.network, view(), settings_.inner_learning_rate, sample_, targets, scratch_, given);
  if (!arithmetic::is_finite(loss)) return finish_adaptation(true);
  keep_latent(index, sample_);
  ++position_;
  return pull();
}

/// One slice of a mini-batch; the last one of a batch changes the parameters. The query set, whose gradient is asked
/// for, is one batch: the adapted parameters are needed no more after it, and phi, which takes their place, is moved.
Progress TaskRunner::adapt_batch() noexcept {
  const nn::Network& network = model_->model.network;
  const bool is_query = phase_ == Phase::kQueryGradient;
  const uint32_t left = (is_query ? counts_.query : counts_.support) - position_;
  const uint32_t batch = is_query || left < settings_.batch_size ? left : settings_.batch_size;
  const uint32_t rest = batch - accumulated_;
  const auto room = static_cast<uint32_t>(sample_.size() / network.sample_count());
  const uint32_t count = rest < room ? rest : room;
  for (uint32_t s = 0; s < count; ++s) {
    const Span<float> sample = sample_.subspan(s * network.sample_count(), network.sample_count());
    const Status status = read_step_sample(current_set(), current_index(s), sample);
    if (status != Status::kOk) return fail(status);
  }
  if (accumulated_ == 0) {
    for (float& gradient : gradients_) gradient = 0.0F;
  }
  const nn::Targets targets{this, &current_target};
  const nn::Given given = has_latents() ? nn::Given::kLatent : nn::Given::kInput;
  const float loss = nn::accumulate_gradients(network, view(), sample_, count, targets, gradients_, scratch_, given);
  if (!arithmetic::is_finite(loss)) return finish_adaptation(true);
  for (uint32_t s = 0; s < count; ++s) {
    keep_latent(current_index(s), sample_.subspan(s * network.sample_count(), network.sample_count()));
  }
  accumulated_ += count;
  if (accumulated_ < batch) return Progress::kMore;
  if (is_query && !read_phi(0, parameters_)) return Progress::kFailed;
  nn::apply_gradients(network, parameters_, settings_.inner_learning_rate, batch, gradients_);
  if (is_query) return finish_adaptation(!nn::all_finite(parameters_));
  position_ += batch;
  accumulated_ = 0;
  return pull();
}

/// After a step of SGD. phi is read again in pieces, so that no second vector is needed. Frozen parameters are phi, and
/// stay it: it costs less code to pull them too.
Progress TaskRunner::pull() noexcept {
  if (settings_.proximal == 0.0F) return Progress::kMore;
  const float share = settings_.inner_learning_rate * settings_.proximal;
  if (in_place_ != nullptr) {
    for_each_moved([share](Span<const float> phi, Span<float> w) noexcept { nn::pull_towards(phi, share, w); });
    return Progress::kMore;
  }
  float piece[64];
  for (uint32_t first = 0; first < parameters_.size();) {
    const size_t left = parameters_.size() - first;
    const Span<float> phi(piece, left < 64 ? left : 64);
    if (!read_phi(first, phi)) return Progress::kFailed;
    nn::pull_towards(phi, share, parameters_.subspan(first, phi.size()));
    first += static_cast<uint32_t>(phi.size());
  }
  return Progress::kMore;
}

/// @returns false: it could not be read, and the task has failed.
bool TaskRunner::read_phi(uint32_t first, Span<float> out) noexcept {
  const Status status = model::read_parameters(phi_, *model_, first, out);
  phi_failed_ = status != Status::kOk;
  if (phi_failed_) (void)fail(status);
  return !phi_failed_;
}

Progress TaskRunner::finish_adaptation(bool diverged) noexcept {
  position_ = 0;
  weights_ = diverged ? Weights::kNone : Weights::kAdapted;
  weights_frozen_ = settings_.frozen;
  if (!request_.is_evaluation) {
    phase_ = Phase::kDone;
    return diverged ? Progress::kDiverged : Progress::kDone;
  }
  if (!diverged) {
    phase_ = Phase::kQueryAfter;
    return Progress::kMore;
  }
  evaluation_.diverged_tasks += 1;
  evaluation_.loss_after =
      arithmetic::add_saturating(evaluation_.loss_after, arithmetic::largest_loss_sum(counts_.query));
  return finish_task();
}

Progress TaskRunner::query(bool after) noexcept {
  if (position_ == counts_.query) {
    position_ = 0;
    if (after) return finish_task();
    phase_ = Phase::kAdapt;
    return settings_.in_use == nullptr || read_phi(0, parameters_) ? Progress::kMore : Progress::kFailed;
  }
  const nn::Network& network = model_->model.network;
  const Status status = read_sample(SampleSet::kQuery, position_, sample_);
  if (status != Status::kOk) return fail(status);
  const Span<const float> outputs = nn::predict_with(network, view(), sample_);
  const bool is_label = nn::has_labels(network.loss());
  const float target = target_of(SampleSet::kQuery, position_, 0);
  const bool correct = is_label && static_cast<float>(nn::argmax(outputs)) == target;
  const float loss = nn::loss_of(network, sample_, {this, &current_target});
  const auto fixed_loss = static_cast<uint64_t>(arithmetic::loss_to_fixed_point(loss));
  uint64_t& sum = after ? evaluation_.loss_after : evaluation_.loss_before;
  sum = arithmetic::add_saturating(sum, fixed_loss);
  (after ? evaluation_.correct_after : evaluation_.correct_before) += correct ? 1U : 0U;
  ++position_;
  return Progress::kMore;
}

Progress TaskRunner::finish_task() noexcept {
  evaluation_.tasks += 1;
  evaluation_.query_samples += counts_.query;
  ++task_;
  if (task_ == settings_.task_count) {
    phase_ = Phase::kDone;
    return Progress::kDone;
  }
  const SampleCounts planned = counts_;
  const Status status = begin_task();
  if (status != Status::kOk) return fail(status);
  if (!samples_.replayable && counts_.support > planned.support) return fail(Status::kBufferTooSmall);
  phase_ = Phase::kLoad;
  return Progress::kMore;
}

}  // namespace skink::edge
