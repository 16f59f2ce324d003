/// @file
/// Releases: what the client does with an announced model when no task wants it, and how its own samples judge it
/// (docs/protocol.md, section 7). It uses what rounds leave over: the download while there is no task, and of the arena
/// what no result and no residual may still need.

#include "skink/edge/client.hpp"

namespace skink::edge {

using internal::DownloadPlaces;
using internal::ReleaseGate;
using internal::ReleaseStage;

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

Status Client::restore_release(uint32_t number, uint32_t bytes) noexcept {
  has_release_weights_ = false;
  releases_.restore(number);
  return release_.open(bytes);
}

// ---- the announcement -----------------------------------------------------------------------------------------------

void Client::on_release(Bytes message, uint64_t now_ms) noexcept {
  now_ms_ = now_ms;
  if (!releases_.is_open()) return;
  if (message.empty()) {
    stop_fetching();
    releases_.withdraw();
    return;
  }
  wire::Release release{};
  if (!is_readable(wire::decode_release(message, identity_, release))) return;
  const bool was_fetching = is_fetching();
  const ReleaseGate::Meaning meaning = releases_.announce(release);
  if (was_fetching && meaning != ReleaseGate::Meaning::kRepeat) stop_download();
  if (meaning == ReleaseGate::Meaning::kRefused) count_refused_release();
  if (meaning == ReleaseGate::Meaning::kKept) is_judgement_due_ = !is_judging_ && !is_adapted_release();
  pursue_release();  // patches follow the announcement
}

void Client::count_refused_release() noexcept {
  wire::State said{};
  releases_.describe(said);
  ++counters_.refused[said.release_reason];
}

void Client::refuse_release(wire::Refusal reason) noexcept {
  timer_.stop();
  releases_.refuse(reason);
  count_refused_release();
}

/// Called whenever the client looks for something to do.
void Client::pursue_release() noexcept {
  if (!is_idle() || is_judging_) return;
  if (releases_.stage() == ReleaseStage::kWanted) begin_fetching();
  const bool can_judge = adapts_itself_ ? used().has_model() : releases_.stage() == ReleaseStage::kKept;
  if (is_judgement_due_ && can_judge && !download_.is_patching()) begin_judgement();
}

// ---- its model ------------------------------------------------------------------------------------------------------

void Client::begin_fetching() noexcept {
  const internal::ModelOffer& offer = releases_.offer();
  copies_release_ = slot_.has_model(offer.digest) && slot_.bytes() == offer.bytes;
  if (copies_release_) {
    check_release(slot_);
    return;
  }
  // Patches may begin with either of the two models that a birth names. They are added up in the arena.
  if (offer.patch_bytes != 0) (void)give_up_result();
  const bool is_from_kept = release_.has_model() && release_.prefix() == offer.patch_base;
  const DownloadPlaces places = {is_from_kept ? &release_ : &slot_, nullptr, release_.capacity()};
  if (!download_.begin(offer, places, spare_arena())) {
    refuse_release(wire::Refusal::kDoesNotFit);
    return;
  }
  releases_.go_on(ReleaseStage::kFetching);
  await_model();
}

/// A task goes first, or nobody wants it any more. One that the port was not asked to keep yet may stand in the model
/// slot, which the task overwrites.
void Client::stop_fetching() noexcept {
  if (is_fetching()) stop_download();
  if (is_fetching() || releases_.stage() == ReleaseStage::kKeeping) releases_.go_on(ReleaseStage::kWanted);
}

void Client::stop_download() noexcept {
  download_.stop();
  timer_.stop();
}

/// The download has ended: is it the model that was signed?
void Client::finish_release_download() noexcept {
  timer_.stop();
  const internal::ModelOffer& offer = releases_.offer();
  const uint32_t kept_bytes = release_.has_model() ? release_.bytes() : 0;
  release_.read_from(store_.coming);
  const wire::Refusal reason = release_.verify(offer.bytes, offer.digest);
  if (reason == wire::Refusal::kNone) {
    check_release(release_);
  } else {
    refuse_release(reason);
  }
  // Until the port has kept it, the other one is in use.
  release_.read_from(store_.kept);
  if (kept_bytes != 0) (void)release_.open(kept_bytes);
}

/// The network of the file is checked; the signature is over all of its bytes.
void Client::check_release(const internal::ModelSlot& place) noexcept {
  if (place.has_content(releases_.content())) {
    releases_.go_on(ReleaseStage::kKeeping);
  } else {
    refuse_release(wire::Refusal::kWrongModelHash);
  }
}

void Client::on_release_kept(Status status, uint64_t now_ms) noexcept {
  now_ms_ = now_ms;
  if (releases_.stage() != ReleaseStage::kKeeping) return;
  const internal::ModelOffer& offer = releases_.offer();
  if (has_release_weights_ || is_judging_) runner_.forget_weights();
  has_release_weights_ = false;
  is_judging_ = false;  // adapt_now() works with the one before
  if (status == Status::kOk) status = release_.open(offer.bytes);
  if (status != Status::kOk || !release_.has_model(offer.digest)) {
    refuse_release(wire::Refusal::kStorageFailed);
    return;
  }
  ++counters_.releases;
  releases_.on_kept();
  is_judgement_due_ = true;
}

// ---- the device's own judgement -------------------------------------------------------------------------------------

/// What is due because of a release, or because a task took the arena.
void Client::begin_judgement() noexcept {
  is_judgement_due_ = false;
  const TaskSettings settings = adapts_itself_ ? settings_of(own_) : releases_.judgement();
  if (settings.passes == 0) {
    set_use(wire::ReleaseUse::kReleased);
    return;
  }
  const Status status = begin_own_work(settings);
  if (status == Status::kOk || (status == Status::kBufferTooSmall && residual_.has_open_change())) return;
  set_use(wire::ReleaseUse::kNotJudged);
}

/// An evaluation task of its own: the loss of the query samples before and after adapting to the support samples. An
/// open change keeps what the arena holds: after the next task, then.
Status Client::begin_own_work(const TaskSettings& settings) noexcept {
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
  has_release_weights_ = has_release();
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
  if (use != wire::ReleaseUse::kAdapted) runner_.forget_weights();  // predict() reads phi
  set_use(use);
}

/// Births speak of releases.
void Client::set_use(wire::ReleaseUse use) noexcept {
  own_use_ = use;
  if (has_release()) releases_.set_use(use);
}

Status Client::adapt_now(const AdaptSettings& settings) noexcept {
  const TaskSettings own = settings_of(settings);
  if (!is_valid(own) || own.passes == 0) return Status::kInvalidArgument;
  if (!is_idle() || is_judging_ || download_.is_patching() || !used().has_model()) return Status::kUnavailable;
  const Status status = begin_own_work(own);
  if (status != Status::kOk) return status;
  own_ = settings;
  adapts_itself_ = true;
  is_judgement_due_ = false;
  return Status::kOk;
}

/// A task takes the arena. What is lost by it is judged again when the task has ended.
void Client::lose_release_weights() noexcept {
  const bool is_lost =
      adapts_itself_ || is_judging_ || is_adapted_release() || releases_.use() == wire::ReleaseUse::kUnknown;
  if (is_lost) is_judgement_due_ = true;
  if (is_judging_) runner_.forget_weights();
  is_judging_ = false;
  has_release_weights_ = false;
}

// ---- memory ---------------------------------------------------------------------------------------------------------

MutableBytes Client::spare_arena() const noexcept {
  const size_t begin = (result_bytes_ + 3) / 4 * 4;
  const size_t end = arena_.size() / 4 * 4 - residual_.kept_bytes();
  return begin < end ? arena_.subspan(begin, end - begin) : MutableBytes();
}

/// The arena belongs to nobody but error feedback then; a repeat of the task begins it anew, as after a reset.
bool Client::give_up_result() noexcept {
  if (!is_idle() || residual_.has_open_change() || result_bytes_ == 0) return false;
  gate_.abandon();
  result_bytes_ = 0;
  state_ = ClientState::kIdle;
  return true;
}

}  // namespace skink::edge
