/// @file
/// The device's own samples: they judge a release, and the device adapts to them when the application says. Uses what
/// rounds leave over of the arena, and gives way to every task.

#include "skink/edge/client.hpp"

namespace skink::edge {

namespace {

/// The task of the source is always the same one: there are no rounds here.
TaskSettings settings_of(const AdaptSettings& own) noexcept {
  TaskSettings settings;
  settings.kind = wire::TaskKind::kEvaluate;
  settings.inner_learning_rate = own.inner_learning_rate;
  settings.passes = own.passes;
  settings.batch_size = own.batch_size;
  return settings;
}

}  // namespace

// ---- when the application says --------------------------------------------------------------------------------------

Status Client::adapt_now(const AdaptSettings& settings) noexcept {
  if (SKINK_EDGE_PERSONAL == 0) return Status::kUnsupported;
  if (!is_idle() || is_judging_ || download_.is_patching() || !used().has_model()) return Status::kUnavailable;
  const AdaptSettings own = own_settings(settings);
  if (!model::is_valid(own)) return Status::kInvalidArgument;
  const Status status = begin_own_work(settings_of(own));
  if (status != Status::kOk) return status;
  own_ = settings;
  adapts_itself_ = true;
  is_asked_ = true;
  is_judgement_due_ = false;
  return Status::kOk;
}

/// With passes 0 those of the model in use, which may say none.
AdaptSettings Client::own_settings(const AdaptSettings& wanted) const noexcept {
  return wanted.passes == 0 ? used().info().model.adaptation : wanted;
}

/// After a reset, with the model that the device uses: weights that were adapted for it are used again; those of
/// another one show that the device adapts itself.
void Client::take_up_personal() noexcept {
  if (!personal_.is_kept() || !used().has_model()) return;
  own_ = personal_.settings();
  adapts_itself_ = own_.passes == 0 || model::is_valid(own_);
  is_judgement_due_ = adapts_itself() && !is_personal();
  set_use(is_personal() ? wire::ReleaseUse::kAdapted : wire::ReleaseUse::kUnknown);
}

// ---- judgements -----------------------------------------------------------------------------------------------------

/// What is due because of a release, or because a task took the arena.
void Client::begin_judgement() noexcept {
  is_judgement_due_ = false;
  const TaskSettings settings = adapts_itself() ? settings_of(own_settings(own_)) : releases_.judgement();
  if (settings.passes == 0) {
    set_use(adapts_itself() ? wire::ReleaseUse::kNotJudged : wire::ReleaseUse::kReleased);
    return;
  }
  is_asked_ = false;
  const Status status = begin_own_work(settings);
  if (status == Status::kOk || (status == Status::kBufferTooSmall && residual_.has_open_change())) return;
  set_use(wire::ReleaseUse::kNotJudged);
}

/// An evaluation task of its own: the loss of the query samples before and after adapting to the support samples. An
/// open change keeps what the arena holds: after the next task, then.
Status Client::begin_own_work(TaskSettings settings) noexcept {
  if (!wire::has_own_arithmetic()) return Status::kUnsupported;
  personal_.stop();
  if (is_personal()) settings.in_use = &personal_;
  const auto begin = [&]() noexcept {
    return runner_.begin(used().info(), used().memory(), samples_, settings, spare_arena());
  };
  Status status = begin();
  if (status == Status::kBufferTooSmall && give_up_result()) status = begin();
  is_judging_ = status == Status::kOk;
  return status;
}

void Client::finish_judgement(Progress progress) noexcept {
  is_judging_ = false;
  has_own_weights_ = true;
  ++counters_.judgements;
  const wire::Evaluation& sums = runner_.evaluation();
  auto use = wire::ReleaseUse::kWorse;
  if (progress == Progress::kFailed || sums.query_samples == 0) {
    use = wire::ReleaseUse::kNotJudged;
  } else if (sums.diverged_tasks != 0) {
    use = wire::ReleaseUse::kDiverged;
  } else if (sums.loss_after < sums.loss_before) {
    use = wire::ReleaseUse::kAdapted;
  }
  if (use != wire::ReleaseUse::kAdapted) {
    runner_.forget_weights();                             // predict() reads those that were in use
    if (is_personal()) use = wire::ReleaseUse::kAdapted;  // before
  } else if (adapts_itself() && (is_asked_ || has_release())) {
    personal_.begin(used().info(), own_);  // not for a model of the rounds: the next round brings another one
  }
  set_use(use);
}

/// Births speak of releases.
void Client::set_use(wire::ReleaseUse use) noexcept {
  own_use_ = use;
  if (has_release()) releases_.set_use(use);
}

/// One step of keeping what adapt_now() came to.
void Client::keep_personal() noexcept {
  const Status status = personal_.keep(runner_.parameters());
  if (status != Status::kOk) {
    ++counters_.personal_lost;
  } else if (!personal_.is_writing()) {
    ++counters_.personal_kept;
  }
}

/// A task takes the arena. What is lost by it is judged again when the task has ended.
void Client::lose_release_weights() noexcept {
  const bool is_lost =
      adapts_itself() || is_judging_ || is_adapted_release() || releases_.use() == wire::ReleaseUse::kUnknown;
  if (is_lost && (is_judging_ || personal_.is_writing() || !is_personal())) is_judgement_due_ = true;
  if (is_judging_) runner_.forget_weights();
  personal_.stop();
  is_judging_ = false;
  has_own_weights_ = false;
}

}  // namespace skink::edge
