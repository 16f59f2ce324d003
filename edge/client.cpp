#include "skink/edge/client.hpp"

#include "alignment.hpp"

namespace skink::edge {

using internal::DownloadProgress;
using internal::is_adapt;
using internal::offer_of;
using Topics = internal::Birth::Topics;

Client::Client(const ClientConfig& config, const Platform& platform) noexcept
    : identity_(config.identity),
      arena_(aligned_part(config.arena)),
      samples_(platform.samples),
      store_(platform.releases),
      release_(platform.releases.kept),
      releases_(config.release_key, release_),
      birth_(config.firmware, config.health, releases_.is_open() ? Topics::kTasksAndReleases : Topics::kTasks),
      timer_(config.retry_ms, config.retry_limit_ms, config.jitter_seed),
      slot_(platform.model),
      personal_(platform.personal),
      residual_(platform.residuals) {}

void Client::restore_task(const wire::RoundId& id) noexcept { gate_.restore(id); }

Status Client::restore_model(uint32_t bytes) noexcept {
  runner_.forget_weights();  // they need the model that they were computed with
  const Status status = slot_.open(bytes);
  take_up_personal();
  return status;
}

void Client::on_connected(uint64_t now_ms) noexcept {
  now_ms_ = now_ms;
  is_connected_ = true;
  is_outbox_busy_ = false;
  birth_.on_connected();
  releases_.on_connected();
  download_.on_connected();
  probe_ = Probe::kNone;
  if (is_downloading()) await_model();
  if (is_sending()) resume_upload();
}

void Client::on_disconnected() noexcept {
  is_connected_ = false;
  upload_.on_disconnected();
  farewell_ = Farewell::kNone;  // now, for the next connection is there before the broker has accepted it
  is_outbox_busy_ = false;
}

// ---- messages -------------------------------------------------------------------------------------------------------

/// Counts what is not.
bool Client::is_readable(Status decoded) noexcept {
  if (decoded == Status::kOk) return true;
  const bool is_unknown = decoded == Status::kWrongAuthentication || decoded == Status::kTruncated;
  ++(is_unknown ? counters_.wrong_authentication : counters_.damaged_messages);
  return false;  // not answered: nobody knows who asked
}

void Client::on_task(Bytes message, uint64_t now_ms) noexcept {
  now_ms_ = now_ms;
  wire::Task task{};
  if (!is_readable(wire::decode_task(message, identity_, task))) return;
  if (task.kind == skink_wire_TaskKind_TASK_KIND_PRESENCE) {  // disturbs nothing
    birth_.on_challenge(task.challenge);
    return;
  }
  if (gate_.is_repeat(task)) {
    repeat(task);
    return;
  }
  const wire::Refusal reason = gate_.judge(task);
  if (reason == wire::Refusal::kNone) {
    start(task);
  } else {
    ++counters_.refused[static_cast<size_t>(reason)];  // the current task, if any, goes on
  }
}

/// The same triple again: the same bytes again, without adapting again. While the work or the upload goes on there is
/// nothing to do.
void Client::repeat(const wire::Task& task) noexcept {
  ++counters_.repeats;
  gate_.extend(task, now_ms_);  // the coordinator may have given it more
  timer_.reset_backoff();
  if (state_ != ClientState::kFinished && state_ != ClientState::kWaiting) return;
  stop_fetching();
  resume_upload();
}

void Client::start(const wire::Task& task) noexcept {
  ++counters_.tasks;
  (void)slot_.narrow(left_out());
  residual_.settle(task.run, task.accepted_round, upload_.encoder());  // while w and phi are what they were
  result_bytes_ = 0;
  stop_fetching();
  lose_release_weights();
  gate_.accept(task, now_ms_);
  download_.stop();
  upload_.reset(task);
  timer_.reset_backoff();
  if (slot_.has_model(offer_of(task).digest)) {
    begin_work();
  } else {
    begin_download();
  }
}

void Client::on_task_not_noted(uint64_t now_ms) noexcept {
  now_ms_ = now_ms;
  const bool is_begun =
      state_ == ClientState::kDownloading || state_ == ClientState::kWorking;  // else it is refused for another reason
  if (is_begun) refuse(wire::Refusal::kStorageFailed);
}

void Client::on_reply(Bytes message, uint64_t now_ms) noexcept {
  now_ms_ = now_ms;
  wire::Reply reply{};
  if (!is_readable(wire::decode_reply(message, identity_, reply))) return;
  if (!is_sending() || !(wire::id_of(reply) == task_id())) return;  // a late reply to an older task
  timer_.reset_backoff();
  switch (reply.verdict) {
    case skink_wire_Verdict_VERDICT_ACCEPTED:
    case skink_wire_Verdict_VERDICT_REFUSED:
      ++(reply.verdict == skink_wire_Verdict_VERDICT_ACCEPTED ? counters_.accepted : counters_.refused_by_coordinator);
      state_ = ClientState::kFinished;
      timer_.stop();
      return;
    case skink_wire_Verdict_VERDICT_RESEND: begin_upload(reply.chunk); return;
    default: ++counters_.damaged_messages; return;
  }
}

void Client::on_samples_changed() noexcept { birth_.on_samples(samples_); }

// ---- work -----------------------------------------------------------------------------------------------------------

void Client::begin_work() noexcept {
  const wire::Task& task = gate_.task();
  auto settings = TaskSettings();
  settings.kind = is_adapt(task) ? wire::TaskKind::kAdapt : wire::TaskKind::kEvaluate;
  settings.seed = task.seed;
  settings.round = task.round;
  settings.device_index = task.device_index;
  settings.first_task = task.first_task;
  settings.task_count = task.task_count;
  settings.task_step = task.task_step == 0 ? 1 : task.task_step;
  settings.inner_learning_rate = task.inner_learning_rate;
  settings.passes = task.passes;
  settings.batch_size = task.batch_size;
  settings.frozen = task.frozen;
  const nn::Network& network = model().model.network;
  if (slot_.narrow(left_out()) != Status::kOk) {
    refuse(wire::Refusal::kInvalidTask);
    return;
  }
  if (is_adapt(task) && codec::parse(task.uplink, codec_)) {
    settings.proximal = task.proximal;
    settings.change = static_cast<wire::ChangeKind>(task.change);  // TaskGate knows the number
    settings.codec_bytes = codec::state_bytes(codec_, network);
    settings.residual_bytes = codec::residual_bytes(codec_, network);
    settings.has_residual_store = residual_.fits_store(network.trainable_count());
  }
  switch (runner_.begin(slot_.info(), slot_.memory(), samples_, settings, arena_)) {
    case Status::kOk: has_own_weights_ = false; break;
    case Status::kBufferTooSmall: refuse(wire::Refusal::kDoesNotFit, memory_plan().total, arena_.size()); return;
    case Status::kInvalidArgument: refuse(wire::Refusal::kInvalidTask); return;
    default: refuse(wire::Refusal::kNoData); return;
  }
  if (settings.residual_bytes != 0) {
    const auto numbers = static_cast<uint32_t>(network.trainable_count());
    residual_.prepare({task.run, task.seed, task.accepted_round, numbers}, runner_.residual());
  } else {
    residual_.forget();  // the plan may reach into it
  }
  state_ = ClientState::kWorking;
  timer_.stop();
}

void Client::work(uint64_t now_ms) noexcept {
  now_ms_ = now_ms;
  if (!is_working()) {
    if (personal_.is_writing()) {
      keep_personal();
    } else {
      begin_judgement();
    }
    return;
  }
  const Progress progress = runner_.step();
  if (progress == Progress::kMore) return;
  if (is_judging_) {
    finish_judgement(progress);
  } else {
    finish_work(progress);
  }
}

void Client::finish_work(Progress progress) noexcept {
  if (progress == Progress::kFailed) {
    refuse(runner_.phi_failed() ? wire::Refusal::kStorageFailed : wire::Refusal::kNoData);
    return;
  }
  if (!is_adapt(gate_.task())) {
    ++counters_.evaluated;
    upload_.set_evaluated(runner_.evaluation(), runner_.support_samples());
    begin_upload(0);
    return;
  }
  switch (progress == Progress::kDone ? encode_change() : Status::kNotFinite) {
    case Status::kOk: ++counters_.adapted; break;
    case Status::kNotFinite:
      ++counters_.diverged;
      upload_.set_diverged(runner_.support_samples());
      break;
    default: refuse(wire::Refusal::kStorageFailed); return;
  }
  begin_upload(0);
}

uint32_t Client::left_out() const noexcept {
  const wire::Task& task = gate_.task();
  const bool is_change = is_adapt(task) && static_cast<wire::ChangeKind>(task.change) == wire::ChangeKind::kParameters;
  return is_change ? task.frozen : 0;
}

/// kNotFinite: the change diverges; kOk: it is the result.
Status Client::encode_change() noexcept {
  const wire::Task& task = gate_.task();
  codec::Change change;
  change.network = &model().model.network;
  change.phi = slot_.parameters();
  change.parameters = runner_.parameters();
  if (codec_.error_feedback) residual_.add_to(change);
  const codec::Key key{task.seed, task.round, task.device_index};
  const Status status = upload_.encoder().begin(codec_, change, key, runner_.codec_state());
  if (status != Status::kOk) return status;
  result_bytes_ = memory_plan().total - memory_plan().residual - memory_plan().latents;
  upload_.set_adapted(task, codec_.error_feedback ? residual_.accepted_round() : 0, runner_.support_samples());
  if (codec_.error_feedback) residual_.on_encoded(task.run, task.round);
  return Status::kOk;
}

/// Ends the current task.
void Client::refuse(wire::Refusal reason, size_t needed, size_t available) noexcept {
  ++counters_.refused[static_cast<size_t>(reason)];
  download_.stop();
  upload_.set_refused(reason, needed, available);
  begin_upload(0);
}

// ---- upload and time ------------------------------------------------------------------------------------------------

void Client::begin_upload(uint32_t chunk) noexcept {
  if (!upload_.seek(chunk)) return;
  state_ = ClientState::kUploading;
  arm_timer();
}

/// Goes on where the upload stopped, or asks with the last chunk what became of it: a coordinator that misses others
/// answers RESEND from the first of them.
void Client::resume_upload() noexcept { begin_upload(upload_.resume_chunk()); }

void Client::on_published(uint64_t now_ms) noexcept {
  now_ms_ = now_ms;
  if (!is_outbox_busy_) return;
  is_outbox_busy_ = false;
  if (farewell_ == Farewell::kOnItsWay) farewell_ = Farewell::kSaid;
  if (!upload_.on_published(now_ms) || state_ != ClientState::kUploading) return;
  if (upload_.is_sent()) state_ = ClientState::kWaiting;
  arm_timer();
}

void Client::on_time(uint64_t now_ms) noexcept {
  now_ms_ = now_ms;
  if (now_ms < next_wake_ms()) return;
  if (!is_connected_) {
    arm_timer();
  } else if (is_fetching() ? !releases_.is_announced() : gate_.is_over(now_ms)) {
    give_up();
  } else {
    retry();
  }
}

/// The round is over. A result stays for a repeat; without one, the task is remembered. Or the release is not announced
/// any more.
void Client::give_up() noexcept {
  timer_.stop();
  download_.stop();
  if (is_fetching()) releases_.withdraw();
  if (is_sending()) state_ = ClientState::kFinished;
  if (state_ != ClientState::kDownloading) return;
  gate_.abandon();
  state_ = ClientState::kIdle;
}

void Client::retry() noexcept {
  timer_.stop();
  if (is_downloading() && has_progress_) {
    await_model();
    return;
  }
  ++counters_.retries;
  timer_.back_off();
  if (state_ == ClientState::kWaiting) {
    resume_upload();
    return;
  }
  if (is_downloading()) probe();
  if (is_downloading() || state_ == ClientState::kUploading) arm_timer();
}

// ---- actions --------------------------------------------------------------------------------------------------------

bool Client::next_action(Action& action) noexcept {
  if (!is_connected_) return false;
  action = {};
  if (farewell_ != Farewell::kNone) return next_farewell(action);
  pursue_release();
  return birth_.next_subscription(action) || releases_.next_keep(copies_release_, action) ||
         download_.next_action(action) || next_probe(action) || next_publication(action);
}

/// As the last will: no bytes.
bool Client::next_farewell(Action& action) noexcept {
  if (is_outbox_busy_ || farewell_ != Farewell::kDue) return false;
  action.kind = ActionKind::kPublish;
  action.topic = wire::TopicKind::kState;
  action.retain = true;
  is_outbox_busy_ = true;
  farewell_ = Farewell::kOnItsWay;
  return true;
}

/// One publication at a time: the outbox has one place.
bool Client::next_publication(Action& action) noexcept {
  if (is_outbox_busy_) return false;
  size_t bytes = 0;
  const bool is_birth = encode_birth(bytes);
  if (!is_birth && !encode_refusal(bytes) && !encode_chunk(bytes)) return false;
  action.kind = ActionKind::kPublish;
  action.topic = is_birth ? wire::TopicKind::kState : wire::TopicKind::kUpdate;
  action.retain = is_birth;
  action.payload = {outbox_, bytes};
  is_outbox_busy_ = true;
  return true;
}

bool Client::encode_birth(size_t& written) noexcept {
  wire::State state{};
  if (releases_.take_change()) birth_.on_change();
  if (!birth_.next(state)) return false;
  state.arena_bytes = static_cast<uint32_t>(arena_.size());
  state.model = slot_.prefix();
  gate_.describe(state);
  if (releases_.is_open()) releases_.describe(state);
  internal::describe(samples_, state);
  return wire::encode_state(state, identity_, outbox_, written) == Status::kOk;
}

bool Client::encode_refusal(size_t& written) noexcept {
  wire::Update update;
  return gate_.next_refusal(update) && wire::encode_update(update, {}, identity_, outbox_, written) == Status::kOk;
}

bool Client::encode_chunk(size_t& written) noexcept {
  if (state_ != ClientState::kUploading) return false;
  (void)slot_.narrow(left_out());  // adapting to the device's own samples may have had another scope meanwhile
  const bool is_encoded = upload_.encode_next(identity_, now_ms_, outbox_, written) == Status::kOk;
  if (!is_encoded) state_ = ClientState::kWaiting;  // phi could not be read now; the timer tries again
  return is_encoded;
}

}  // namespace skink::edge
