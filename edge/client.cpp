#include "skink/edge/client.hpp"

#include <string.h>

#include "alignment.hpp"
#include "client_details.hpp"
#include "skink/common/arithmetic/philox.hpp"

namespace skink::edge {
namespace {

bool is_known_kind(const wire::Task& task) noexcept {
  return is_adapt(task) || task.kind == skink_wire_TaskKind_TASK_KIND_EVALUATE;
}

/// Is `a` before `b` in the order of (run, round, attempt)?
bool is_before(const wire::RoundId& a, const wire::RoundId& b) noexcept {
  if (a.run != b.run) return a.run < b.run;
  if (a.round != b.round) return a.round < b.round;
  return a.attempt < b.attempt;
}

}  // namespace

Client::Client(const ClientConfig& config, const Platform& platform) noexcept
    : config_(config), platform_(platform), residual_(platform.residuals) {
  config_.arena = aligned_part(config.arena);
}

void Client::restore_task(const wire::RoundId& id) noexcept {
  has_task_ = true;
  task_.run = id.run;
  task_.round = id.round;
  task_.attempt = id.attempt;
}

Status Client::restore_model(uint32_t bytes) noexcept {
  if (bytes == 0 || bytes > platform_.model.size) return Status::kInvalidArgument;
  model::ByteSource stored = platform_.model;
  stored.size = bytes;
  runner_.forget_weights();  // they need the model_ that they were computed with
  const Status status = model::inspect(stored, model_);
  model_ready_ = status == Status::kOk;
  model_bytes_ = bytes;
  return status;
}

void Client::on_connected(uint64_t now_ms) noexcept {
  connected_ = true;
  outbox_busy_ = false;
  task_wanted_ = true;
  reply_wanted_ = true;
  patch_wanted_ = true;
  birth_wanted_ = true;
  challenge_ = 0;
  subscribed_all_ = false;
  memset(asked_, 0, sizeof asked_);  // a clean session: the broker knows of none
  asked_end_ = 0;
  if (state_ == ClientState::kDownloading) {
    if (patching_ == Patching::kNo) {
      subscribe_all_ = chunks_missing_ == chunk_count_;
      subscribe_next_ = subscribe_all_ ? chunk_count_ : 0;
    } else if (patching_ == Patching::kReceiving) {
      restart_patch();  // it comes again with the task
    }
    arm_timer(now_ms);
  }
  if (state_ == ClientState::kUploading || state_ == ClientState::kWaiting) resume_upload(now_ms);
}

void Client::on_disconnected() noexcept {
  connected_ = false;
  outbox_busy_ = false;
}

// ---- tasks ----------------------------------------------------------------------------------------------------------

void Client::on_task(Bytes message, uint64_t now_ms) noexcept {
  wire::Task task{};
  const Status status = wire::decode_task(message, config_.identity, task);
  if (status == Status::kWrongAuthentication || status == Status::kTruncated) {
    ++counters_.wrong_authentication;  // not answered: nobody knows who asked
    return;
  }
  if (status != Status::kOk) {
    ++counters_.damaged_messages;
    return;
  }
  if (task.kind == skink_wire_TaskKind_TASK_KIND_PRESENCE) {  // disturbs nothing
    challenge_ = task.challenge;
    birth_wanted_ = true;
    return;
  }
  const wire::RoundId id = wire::id_of(task);
  if (has_task_ && id == wire::id_of(task_) && state_ != ClientState::kIdle) {
    repeat(task, now_ms);
    return;
  }
  const wire::Refusal reason = check_task(task);
  if (reason == wire::Refusal::kNone) {
    start(task, now_ms);
    return;
  }
  ++counters_.refused[static_cast<size_t>(reason)];
  refusal_ = {true, id, reason};  // the current task, if any, goes on
}

wire::Refusal Client::check_task(const wire::Task& task) const noexcept {
  if (!task.has_versions || !wire::same_versions(task.versions)) return wire::Refusal::kVersionMismatch;
  if (has_task_ && task.run < task_.run) return wire::Refusal::kAnotherRun;
  if (has_task_ && is_before(wire::id_of(task), wire::id_of(task_))) return wire::Refusal::kLowerRound;
  codec::Codec codec{};
  if (is_adapt(task) && !codec::parse(task.uplink, codec)) return wire::Refusal::kUnknownCodec;
  if (!is_known_kind(task) || task.model_bytes == 0) return wire::Refusal::kInvalidTask;
  return wire::Refusal::kNone;
}

/// The same triple again: the same bytes again, without adapting again. While the work or the upload goes on there is
/// nothing to do.
void Client::repeat(const wire::Task& task, uint64_t now_ms) noexcept {
  ++counters_.repeats;
  deadline_ms_ = now_ms + task.time_left_ms;  // the coordinator may have given it more
  retries_ = 0;
  if (state_ == ClientState::kFinished || state_ == ClientState::kWaiting) resume_upload(now_ms);
}

void Client::start(const wire::Task& task, uint64_t now_ms) noexcept {
  ++counters_.tasks;
  residual_.settle(task.run, task.accepted_round, encoder_);  // while w and phi are what they were
  task_ = task;
  has_task_ = true;
  patching_ = Patching::kNo;
  retries_ = 0;
  deadline_ms_ = now_ms + task.time_left_ms;
  result_ = {};
  result_.id = wire::id_of(task);
  const size_t wanted = task.chunk_bytes == 0 ? SKINK_EDGE_CHUNK_BYTES : task.chunk_bytes;
  chunk_bytes_ = wanted < SKINK_EDGE_CHUNK_BYTES ? wanted : SKINK_EDGE_CHUNK_BYTES;
  if (model_ready_ && model_.digest == model_of(task)) {
    begin_work(now_ms);
  } else {
    begin_download(now_ms);
  }
}

// ---- work -----------------------------------------------------------------------------------------------------------

void Client::begin_work(uint64_t now_ms) noexcept {
  TaskSettings settings;
  settings.kind = is_adapt(task_) ? wire::TaskKind::kAdapt : wire::TaskKind::kEvaluate;
  settings.seed = task_.seed;
  settings.round = task_.round;
  settings.device_index = task_.device_index;
  settings.first_task = task_.first_task;
  settings.task_count = task_.task_count;
  settings.inner_learning_rate = task_.inner_learning_rate;
  settings.passes = task_.passes;
  settings.batch_size = task_.batch_size;
  const nn::Network& network = model_.model.network;
  if (is_adapt(task_) && codec::parse(task_.uplink, codec_)) {
    settings.codec_bytes = codec::state_bytes(codec_, network);
    settings.residual_bytes = codec::residual_bytes(codec_, network);
    settings.has_residual_store = residual_.fits_store(network.trainable_count());
  }
  const Status status = runner_.begin(model_, platform_.model, platform_.samples, settings, config_.arena);
  switch (status) {
    case Status::kOk:
      if (settings.residual_bytes != 0) {
        const auto numbers = static_cast<uint32_t>(network.trainable_count());
        residual_.prepare({task_.run, task_.seed, task_.accepted_round, numbers}, runner_.residual());
      } else {
        residual_.forget();  // the plan may reach into it
      }
      state_ = ClientState::kWorking;
      wake_ms_ = kNever;
      return;
    case Status::kBufferTooSmall:
      refuse_current(wire::Refusal::kDoesNotFit, runner_.memory_plan().total, config_.arena.size(), now_ms);
      return;
    case Status::kInvalidArgument: refuse_current(wire::Refusal::kInvalidTask, 0, 0, now_ms); return;
    default: refuse_current(wire::Refusal::kNoData, 0, 0, now_ms); return;
  }
}

void Client::work(uint64_t now_ms) noexcept {
  if (state_ != ClientState::kWorking) return;
  const Progress progress = runner_.step();
  if (progress != Progress::kMore) finish_work(progress, now_ms);
}

void Client::finish_work(Progress progress, uint64_t now_ms) noexcept {
  if (progress == Progress::kFailed) {
    const wire::Refusal reason = runner_.phi_failed() ? wire::Refusal::kStorageFailed : wire::Refusal::kNoData;
    refuse_current(reason, 0, 0, now_ms);
    return;
  }
  result_.support_samples = runner_.support_samples();
  if (!is_adapt(task_)) {
    ++counters_.evaluated;
    result_.outcome = wire::Outcome::kEvaluated;
    result_.evaluation = runner_.evaluation();
    begin_upload(0, now_ms);
    return;
  }
  result_.outcome = wire::Outcome::kDiverged;
  if (progress == Progress::kDone) {
    const Status status = encode_change();
    if (status != Status::kOk && status != Status::kNotFinite) {
      refuse_current(wire::Refusal::kStorageFailed, 0, 0, now_ms);
      return;
    }
  }
  if (result_.outcome == wire::Outcome::kDiverged) ++counters_.diverged;
  begin_upload(0, now_ms);
}

/// kNotFinite: the change diverges; kOk: it is the result.
Status Client::encode_change() noexcept {
  codec::Change change;
  change.network = &model_.model.network;
  change.phi = {this, &read_phi, model::parameters_in_place(platform_.model, model_)};
  change.parameters = runner_.parameters();
  if (codec_.error_feedback) residual_.add_to(change);
  const codec::Key key{task_.seed, task_.round, task_.device_index};
  const Status status = encoder_.begin(codec_, change, key, runner_.codec_state());
  if (status != Status::kOk) return status;
  ++counters_.adapted;
  result_.outcome = wire::Outcome::kAdapted;
  result_.total_bytes = static_cast<uint32_t>(encoder_.size());
  result_.chunk_count = chunks_for(result_.total_bytes, chunk_bytes_);
  memcpy(result_.uplink, task_.uplink, sizeof result_.uplink);
  if (codec_.error_feedback) {
    result_.residual_round = residual_.accepted_round();
    residual_.on_encoded(task_.run, task_.round);
  }
  return status;
}

void Client::refuse_current(wire::Refusal reason, size_t needed, size_t available, uint64_t now_ms) noexcept {
  ++counters_.refused[static_cast<size_t>(reason)];
  result_ = {};
  result_.id = wire::id_of(task_);
  result_.outcome = wire::Outcome::kRefused;
  result_.refusal = reason;
  result_.needed_bytes = static_cast<uint32_t>(needed);
  result_.available_bytes = static_cast<uint32_t>(available);
  begin_upload(0, now_ms);
}

Status Client::read_phi(void* context, size_t first, Span<float> out) noexcept {
  const auto& client = *static_cast<const Client*>(context);
  return model::read_parameters(client.platform_.model, client.model_, first, out);
}

// ---- upload ---------------------------------------------------------------------------------------------------------

void Client::begin_upload(uint32_t chunk, uint64_t now_ms) noexcept {
  if (outbox_busy_ && sending_ == Sending::kChunk) sending_ = Sending::kOldChunk;  // its departure is no progress
  state_ = ClientState::kUploading;
  update_chunk_ = chunk;
  arm_timer(now_ms);
}

/// Goes on where the upload stopped, or asks with the last chunk what became of it: a coordinator that misses others
/// answers RESEND from the first of them.
void Client::resume_upload(uint64_t now_ms) noexcept {
  const uint32_t last = result_.chunk_count - 1;
  begin_upload(update_chunk_ < last ? update_chunk_ : last, now_ms);
}

void Client::on_published(uint64_t now_ms) noexcept {
  if (!outbox_busy_) return;
  outbox_busy_ = false;
  if (sending_ != Sending::kChunk || state_ != ClientState::kUploading) return;
  ++update_chunk_;
  if (update_chunk_ >= result_.chunk_count) state_ = ClientState::kWaiting;
  arm_timer(now_ms);
}

void Client::on_reply(Bytes message, uint64_t now_ms) noexcept {
  wire::Reply reply{};
  const Status status = wire::decode_reply(message, config_.identity, reply);
  if (status == Status::kWrongAuthentication || status == Status::kTruncated) {
    ++counters_.wrong_authentication;
    return;
  }
  if (status != Status::kOk) {
    ++counters_.damaged_messages;
    return;
  }
  const bool sent = state_ == ClientState::kUploading || state_ == ClientState::kWaiting;
  if (!has_task_ || !sent || !(wire::id_of(reply) == wire::id_of(task_))) return;  // a late reply to an older task
  retries_ = 0;
  switch (reply.verdict) {
    case skink_wire_Verdict_VERDICT_ACCEPTED:
    case skink_wire_Verdict_VERDICT_REFUSED:
      ++(reply.verdict == skink_wire_Verdict_VERDICT_ACCEPTED ? counters_.accepted : counters_.refused_by_coordinator);
      state_ = ClientState::kFinished;
      wake_ms_ = kNever;
      return;
    case skink_wire_Verdict_VERDICT_RESEND:
      if (reply.chunk < result_.chunk_count) begin_upload(reply.chunk, now_ms);
      return;
    default: ++counters_.damaged_messages; return;
  }
}

// ---- time -----------------------------------------------------------------------------------------------------------

/// Exponential back-off with up to a quarter of jitter, so that a fleet does not come back in step.
void Client::arm_timer(uint64_t now_ms) noexcept {
  const uint64_t doubled = uint64_t{config_.retry_ms} << (retries_ < 16 ? retries_ : 16);
  const uint32_t wait = doubled < config_.retry_limit_ms ? static_cast<uint32_t>(doubled) : config_.retry_limit_ms;
  const auto purpose = static_cast<uint32_t>(arithmetic::Purpose::kNetwork);
  const uint32_t word = arithmetic::philox(config_.jitter_seed, retries_, purpose, task_.round, 0).words[0];
  wake_ms_ = now_ms + wait + word % (wait / 4 + 1);
}

void Client::on_time(uint64_t now_ms) noexcept {
  if (now_ms < wake_ms_) return;
  if (!connected_) {
    arm_timer(now_ms);
    return;
  }
  retry(now_ms);
}

void Client::retry(uint64_t now_ms) noexcept {
  wake_ms_ = kNever;
  if (now_ms >= deadline_ms_) {  // the round is over; the result stays for a repeat
    if (state_ == ClientState::kWaiting || state_ == ClientState::kUploading) state_ = ClientState::kFinished;
    if (state_ == ClientState::kDownloading) {
      patching_ = Patching::kNo;
      state_ = ClientState::kIdle;  // the task is remembered: older ones are refused, and the same may come again
    }
    return;
  }
  ++counters_.retries;
  ++retries_;
  if (state_ == ClientState::kDownloading && patching_ == Patching::kReceiving) {
    give_up_patch(now_ms);
  } else if (state_ == ClientState::kDownloading) {
    if (patching_ == Patching::kNo) subscribe_next_ = 0;  // ask for each missing chunk by name
    arm_timer(now_ms);
  } else if (state_ == ClientState::kWaiting) {
    resume_upload(now_ms);
  } else if (state_ == ClientState::kUploading) {
    arm_timer(now_ms);
  }
}

}  // namespace skink::edge
