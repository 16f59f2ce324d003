#include "skink/coordinator/core/coordinator.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace skink::coordinator {
namespace {

constexpr std::size_t kModelChunkBytes = 4096;
constexpr std::uint64_t kFirstResendMs = 5000;
constexpr std::uint64_t kLongestResendMs = 60000;

Bytes view(const std::vector<std::uint8_t>& bytes) { return {bytes.data(), bytes.size()}; }

skink_wire_TaskKind wire_kind(bool is_evaluation) {
  return is_evaluation ? skink_wire_TaskKind_TASK_KIND_EVALUATE : skink_wire_TaskKind_TASK_KIND_ADAPT;
}

}  // namespace

Coordinator::Coordinator(CoordinatorConfig config, const RunSnapshot* snapshot)
    : config_(std::move(config)),
      strategy_(make_strategy(config_.experiment.meta)),
      model_{make_network(config_.experiment.model), config_.experiment.model.input_scale,
             config_.experiment.model.input_offset},
      parameters_(initial_parameters(config_.experiment.model, config_.experiment.seed)),
      aggregator_(model_.network),
      change_(model_.network.parameter_count()) {
  if (!codec::parse(config_.experiment.uplink.c_str(), codec_)) throw std::runtime_error("unknown codec");
  if (snapshot != nullptr) restore(*snapshot);
  rebuild_model();
}

Coordinator::~Coordinator() = default;

// ---- state ----------------------------------------------------------------------------------------------------------

void Coordinator::restore(const RunSnapshot& snapshot) {
  config_.run = snapshot.run;
  roster_ = snapshot.roster;
  past_events_ = snapshot.transcript;
  if (config_.replay) {
    adopt_roster();
    return;
  }
  rounds_done_ = snapshot.rounds_done;
  evaluations_ = snapshot.evaluations;
  traffic_ = snapshot.traffic;
  if (!snapshot.model.empty()) {
    const Bytes bytes = view(snapshot.model);
    const model::ByteSource source = model::source_of(bytes);
    model::ModelInfo info;
    const Status status = model::inspect(source, info);
    if (status != Status::kOk || info.model.network.parameter_count() != parameters_.size() ||
        model::read_parameters(source, info, 0, {parameters_.data(), parameters_.size()}) != Status::kOk) {
      throw std::runtime_error(std::string("the stored model does not belong to this experiment: ") +
                               status_text(status));
    }
  }
  if (!roster_.empty()) adopt_roster();
  if (snapshot.finished) phase_ = Phase::kFinished;
}

void Coordinator::rebuild_model() {
  model_file_.resize(model::model_bytes(model_.network));
  const Status status = model::encode(model_, {parameters_.data(), parameters_.size()},
                                      {model_file_.data(), model_file_.size()}, digest_);
  if (status != Status::kOk) throw std::runtime_error("the meta-parameters are not finite");
  model_published_ = false;
}

Coordinator::Device& Coordinator::device_of(std::string_view id) {
  const auto found = devices_.find(id);
  if (found != devices_.end()) return found->second;
  Device device;
  device.id = std::string(id);
  device.key = wire::device_key(config_.master_key, {reinterpret_cast<const std::uint8_t*>(id.data()), id.size()});
  return devices_.emplace(device.id, std::move(device)).first->second;
}

std::size_t Coordinator::devices_online() const {
  return static_cast<std::size_t>(
      std::count_if(devices_.begin(), devices_.end(), [](const auto& entry) { return entry.second.online; }));
}

std::vector<Action> Coordinator::take_actions() { return std::exchange(actions_, {}); }

// ---- roster ---------------------------------------------------------------------------------------------------------

void Coordinator::freeze_roster(std::uint64_t now_ms) {
  for (const auto& [id, device] : devices_) {
    if (device.online && roster_.size() < config_.experiment.fleet.devices) roster_.push_back(id);
  }
  std::sort(roster_.begin(), roster_.end());
  actions_.emplace_back(CommitRoster{roster_});
  adopt_roster();
  advance(now_ms);
}

void Coordinator::adopt_roster() {
  roster_devices_.clear();
  for (const std::string& id : roster_) roster_devices_.push_back(&device_of(id));
  membership_ = split_roster(config_.experiment.seed, static_cast<std::uint32_t>(roster_.size()),
                             config_.experiment.fleet.held_out);
}

void Coordinator::on_state(std::string_view device_id, Bytes message, std::uint64_t now_ms) {
  wire::State state{};
  if (wire::decode_state(message, state) != Status::kOk) {
    count(wire::Refusal::kMalformed);
    return;
  }
  if (state.online && !(state.has_versions && wire::same_versions(state.versions))) {
    count(wire::Refusal::kVersionMismatch);
    return;
  }
  Device& device = device_of(device_id);
  device.online = state.online;
  device.seen = true;
  if (phase_ == Phase::kWaitingForFleet && roster_.empty()) {
    if (connected_ && devices_online() >= config_.experiment.fleet.devices) freeze_roster(now_ms);
    return;
  }
  const bool in_roster = std::binary_search(roster_.begin(), roster_.end(), device.id);
  if (!in_roster && state.online && !device.reported_late_join && phase_ != Phase::kFinished) {
    device.reported_late_join = true;
    record({rounds_done_, EventKind::kLateJoin, 0, 0, 0, wire::Refusal::kNone, device.id});
  }
  Slot* slot = open_slot_of(device);
  if (slot == nullptr) return;
  if (state.online) {
    slot->offline_ms = kNever;
    send_task(*slot, now_ms);
  } else {
    slot->offline_ms = now_ms + config_.offline_grace_ms;
  }
  update_wake();
}

// ---- progress of a run ----------------------------------------------------------------------------------------------

void Coordinator::on_connected(std::uint64_t now_ms) {
  connected_ = true;
  model_published_ = false;
  if (phase_ == Phase::kFinished) return;
  if (roster_.empty()) {
    if (devices_online() >= config_.experiment.fleet.devices) freeze_roster(now_ms);
    return;
  }
  if (slots_.empty()) {
    advance(now_ms);
    return;
  }
  for (Slot& slot : slots_) {
    if (!slot.open) continue;
    slot.deadline_ms = now_ms + config_.experiment.fleet.deadline_ms;  // nobody could answer while we were away
    slot.offline_ms = kNever;
    send_task(slot, now_ms);
  }
  update_wake();
}

void Coordinator::on_disconnected() {
  connected_ = false;
  wake_ms_ = kNever;
}

/// Tasks of an evaluation made now.
std::uint32_t Coordinator::evaluation_tasks() const {
  const EvaluationConfig& evaluation = config_.experiment.evaluation;
  const bool is_final = rounds_done_ == config_.experiment.meta.rounds && evaluation.final_tasks > 0;
  return is_final ? evaluation.final_tasks : evaluation.tasks;
}

bool Coordinator::evaluation_is_due() const {
  const EvaluationConfig& evaluation = config_.experiment.evaluation;
  if (evaluation_tasks() == 0 || membership_.held_out.empty()) return false;
  const bool known = std::any_of(evaluations_.begin(), evaluations_.end(),
                                 [this](const EvaluationRecord& record) { return record.rounds == rounds_done_; });
  if (known) return false;
  if (rounds_done_ == 0 || rounds_done_ == config_.experiment.meta.rounds) return true;
  return evaluation.every > 0 && rounds_done_ % evaluation.every == 0;
}

/// Opens the next phase; loops because a phase may be over as soon as it is opened (a replayed round without updates).
void Coordinator::advance(std::uint64_t now_ms) {
  for (;;) {
    slots_.clear();
    if (evaluation_is_due()) {
      open_evaluation(now_ms);
      if (!all_settled()) break;
      close_evaluation();
    } else if (rounds_done_ < config_.experiment.meta.rounds) {
      open_round(now_ms);
      if (!all_settled()) break;
      close_round(now_ms);
    } else {
      finish();
      break;
    }
  }
  update_wake();
}

bool Coordinator::all_settled() const {
  return std::none_of(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.open; });
}

void Coordinator::open_evaluation(std::uint64_t now_ms) {
  phase_ = Phase::kEvaluating;
  const std::uint64_t tasks = evaluation_tasks();
  const std::uint64_t devices = membership_.held_out.size();
  evaluation_record_ = {};
  evaluation_record_.rounds = rounds_done_;
  for (std::uint64_t j = 0; j < devices; ++j) {
    Slot slot;
    slot.device_index = membership_.held_out[j];
    slot.first_task = static_cast<std::uint32_t>(j * tasks / devices);
    slot.task_count = static_cast<std::uint32_t>((j + 1) * tasks / devices) - slot.first_task;
    slot.open = slot.task_count > 0;
    slot.deadline_ms = now_ms + config_.experiment.fleet.deadline_ms;
    if (slot.open && is_offline(slot.device_index)) slot.offline_ms = now_ms + config_.offline_grace_ms;
    slots_.push_back(std::move(slot));
  }
  publish_model();
  for (Slot& slot : slots_) {
    if (slot.open) send_task(slot, now_ms);
  }
}

void Coordinator::close_evaluation() {
  evaluation_record_.traffic = traffic_;
  evaluations_.push_back(evaluation_record_);
  actions_.emplace_back(CommitEvaluation{evaluation_record_});
}

void Coordinator::open_round(std::uint64_t now_ms) {
  phase_ = Phase::kTraining;
  aggregator_.reset();
  round_started_ms_ = now_ms;
  round_record_ = {};
  round_record_.round = rounds_done_;
  round_record_.meta_learning_rate = strategy_->meta_learning_rate(rounds_done_);
  next_position_ = config_.experiment.meta.cohort;
  for (std::uint32_t position = 0; position < config_.experiment.meta.cohort; ++position) {
    Slot slot;
    slot.device_index = cohort_device(config_.experiment.seed, rounds_done_, membership_.training, position);
    slot.open = true;
    slot.deadline_ms = now_ms + config_.experiment.fleet.deadline_ms;
    slot.assembly.reset(codec::encoded_bytes(codec_, model_.network));
    slots_.push_back(std::move(slot));
  }
  apply_past_events();
  publish_model();
  for (Slot& slot : slots_) {
    if (!slot.open) continue;
    if (!config_.replay && is_offline(slot.device_index)) {
      replace(slot, wire::Refusal::kNone, "offline", now_ms);
    } else {
      send_task(slot, now_ms);
    }
  }
}

/// What a stored transcript says of this round, when a run is continued or replayed.
void Coordinator::apply_past_events() {
  for (const TranscriptEvent& event : past_events_) {
    if (event.round != rounds_done_ || event.slot >= slots_.size()) continue;
    Slot& slot = slots_[event.slot];
    switch (event.kind) {
      case EventKind::kReplaced:
        slot.device_index = event.device_index;
        slot.attempt = event.attempt;
        ++next_position_;
        ++round_record_.replaced;
        break;
      case EventKind::kDropped: slot.open = false; break;
      case EventKind::kRefused:
        slot.open = false;
        ++round_record_.refused;
        break;
      case EventKind::kDiverged:
        slot.open = false;
        ++round_record_.diverged;
        break;
      case EventKind::kMissing:
      case EventKind::kLateJoin: break;
    }
  }
}

void Coordinator::close_round(std::uint64_t now_ms) {
  aggregator_.step(round_record_.meta_learning_rate, {parameters_.data(), parameters_.size()});
  const wire::Digest previous = digest_;
  rebuild_model();
  ++rounds_done_;
  traffic_.device_rounds += aggregator_.updates();
  round_record_.updates = aggregator_.updates();
  round_record_.total_weight = aggregator_.total_weight();
  round_record_.duration_ms = now_ms - round_started_ms_;
  round_record_.traffic = traffic_;
  char hex[2 * wire::kDigestBytes + 1];
  wire::to_hex(digest_, hex);
  round_record_.model_sha256 = hex;
  actions_.emplace_back(CommitRound{round_record_, model_file_});
  if (previous != digest_) clear_model(previous, model_file_.size());
}

void Coordinator::finish() {
  phase_ = Phase::kFinished;
  actions_.emplace_back(CommitFinished{});
  clear_model(digest_, model_file_.size());
}

// ---- publications ---------------------------------------------------------------------------------------------------

void Coordinator::publish_model() {
  if (model_published_ || all_settled()) return;
  model_published_ = true;
  for (std::size_t offset = 0; offset < model_file_.size(); offset += kModelChunkBytes) {
    const std::size_t count = std::min(kModelChunkBytes, model_file_.size() - offset);
    Publish publish;
    publish.topic = wire::TopicKind::kModel;
    publish.model = digest_;
    publish.chunk = static_cast<std::uint32_t>(offset / kModelChunkBytes);
    publish.payload.assign(model_file_.begin() + static_cast<std::ptrdiff_t>(offset),
                           model_file_.begin() + static_cast<std::ptrdiff_t>(offset + count));
    publish.retain = true;
    actions_.emplace_back(std::move(publish));
  }
}

/// An empty retained message removes a chunk from the broker.
void Coordinator::clear_model(const wire::Digest& digest, std::size_t bytes) {
  for (std::size_t offset = 0; offset < bytes; offset += kModelChunkBytes) {
    Publish publish;
    publish.topic = wire::TopicKind::kModel;
    publish.model = digest;
    publish.chunk = static_cast<std::uint32_t>(offset / kModelChunkBytes);
    publish.retain = true;
    actions_.emplace_back(std::move(publish));
  }
}

void Coordinator::send_task(Slot& slot, std::uint64_t now_ms) {
  publish_model();
  Device& device = device_at(slot.device_index);
  const bool evaluates = phase_ == Phase::kEvaluating;
  const EvaluationConfig& evaluation = config_.experiment.evaluation;
  const InnerLoop loop = evaluates ? InnerLoop{evaluation.inner_learning_rate, evaluation.passes, evaluation.batch_size}
                                   : strategy_->inner_loop();
  wire::Task task{};
  task.has_versions = true;
  task.versions = wire::own_versions();
  task.run = config_.run;
  task.round = rounds_done_;
  task.attempt = slot.attempt;
  task.kind = wire_kind(evaluates);
  task.device_index = slot.device_index;
  std::memcpy(task.model_sha256, digest_.bytes, wire::kDigestBytes);
  task.model_bytes = static_cast<std::uint32_t>(model_file_.size());
  task.seed = config_.experiment.seed;
  task.inner_learning_rate = loop.inner_learning_rate;
  task.passes = loop.passes;
  task.batch_size = loop.batch_size;
  if (!evaluates) std::strncpy(task.uplink, config_.experiment.uplink.c_str(), sizeof task.uplink - 1);
  task.time_left_ms = static_cast<std::uint32_t>(slot.deadline_ms > now_ms ? slot.deadline_ms - now_ms : 0);
  task.first_task = slot.first_task;
  task.task_count = slot.task_count;
  Publish publish;
  publish.topic = wire::TopicKind::kTask;
  publish.device_id = device.id;
  publish.payload.resize(wire::kMaxControlBytes);
  std::size_t written = 0;
  const wire::Identity identity{device.id.c_str(), device.key};
  if (wire::encode_task(task, identity, {publish.payload.data(), publish.payload.size()}, written) != Status::kOk) {
    throw std::logic_error("a task does not fit in kMaxControlBytes");
  }
  publish.payload.resize(written);
  traffic_.downlink_bytes += written;
  if (!device.has_model || device.model_sent != digest_) traffic_.downlink_bytes += model_file_.size();
  device.has_model = true;
  device.model_sent = digest_;
  actions_.emplace_back(std::move(publish));
  slot.resend_ms = now_ms + resend_wait(slot.sends++);
}

/// A task that was lost is sent again, soon at first, but never so often that it disturbs a slow device.
std::uint64_t Coordinator::resend_wait(std::uint32_t sends) const {
  const std::uint64_t wait = std::min<std::uint64_t>(kFirstResendMs << std::min(sends, 10U), kLongestResendMs);
  return std::clamp<std::uint64_t>(wait, 1, std::max<std::uint64_t>(1, config_.experiment.fleet.deadline_ms / 3));
}

void Coordinator::reply(Device& device, const wire::RoundId& id, wire::Verdict verdict, wire::Refusal reason,
                        std::uint32_t chunk) {
  wire::Reply message{};
  message.run = id.run;
  message.round = id.round;
  message.attempt = id.attempt;
  message.verdict = static_cast<skink_wire_Verdict>(verdict);
  message.reason = static_cast<skink_wire_Refusal>(reason);
  message.chunk = chunk;
  Publish publish;
  publish.topic = wire::TopicKind::kReply;
  publish.device_id = device.id;
  publish.payload.resize(wire::kMaxControlBytes);
  std::size_t written = 0;
  const wire::Identity identity{device.id.c_str(), device.key};
  if (wire::encode_reply(message, identity, {publish.payload.data(), publish.payload.size()}, written) != Status::kOk) {
    throw std::logic_error("a reply does not fit in kMaxControlBytes");
  }
  publish.payload.resize(written);
  traffic_.downlink_bytes += written;
  actions_.emplace_back(std::move(publish));
}

// ---- updates --------------------------------------------------------------------------------------------------------

Coordinator::Slot* Coordinator::open_slot_of(const Device& device) {
  for (Slot& slot : slots_) {
    if (slot.open && roster_devices_[slot.device_index] == &device) return &slot;
  }
  return nullptr;
}

void Coordinator::on_update(std::string_view device_id, Bytes message, std::uint64_t now_ms) {
  const auto found = devices_.find(device_id);
  if (found == devices_.end()) {
    count(wire::Refusal::kUnknownDevice);
    return;
  }
  Device& device = found->second;
  wire::Update update;
  Bytes payload;
  const Status status = wire::decode_update(message, {device.id.c_str(), device.key}, update, payload);
  if (status != Status::kOk) {
    count(status == Status::kDamaged ? wire::Refusal::kMalformed : wire::Refusal::kWrongAuthentication);
    return;
  }
  traffic_.uplink_bytes += message.size();
  Slot* slot = open_slot_of(device);
  const bool expected = slot != nullptr && update.id == wire::RoundId{config_.run, rounds_done_, slot->attempt};
  if (!expected) {
    answer_unexpected(device, update.id);
    return;
  }
  take_report(*slot, update, payload, now_ms);
  if (all_settled()) {
    if (phase_ == Phase::kEvaluating) {
      close_evaluation();
    } else {
      close_round(now_ms);
    }
    advance(now_ms);
  } else {
    update_wake();
  }
}

void Coordinator::answer_unexpected(Device& device, const wire::RoundId& id) {
  if (device.has_settled && device.settled == id) {  // our reply was lost
    count(wire::Refusal::kDuplicate);
    reply(device, id, wire::Verdict::kAccepted, wire::Refusal::kDuplicate, 0);
    return;
  }
  const bool late = id.run == config_.run && id.round <= rounds_done_;
  const wire::Refusal reason = late ? wire::Refusal::kLate : wire::Refusal::kNotExpected;
  count(reason);
  reply(device, id, wire::Verdict::kRefused, reason, 0);
}

void Coordinator::take_report(Slot& slot, const wire::Update& update, Bytes payload, std::uint64_t now_ms) {
  Device& device = device_at(slot.device_index);
  const bool evaluates = phase_ == Phase::kEvaluating;
  if (update.outcome == wire::Outcome::kRefused) {  // the device will not do it: somebody else may
    count(update.refusal);
    reply(device, update.id, wire::Verdict::kAccepted, wire::Refusal::kNone, 0);
    replace(slot, update.refusal, wire::refusal_text(update.refusal), now_ms);
    return;
  }
  if (evaluates && update.outcome == wire::Outcome::kEvaluated) {
    take_evaluation(slot, update);
    return;
  }
  if (!evaluates && update.outcome == wire::Outcome::kDiverged) {
    reply(device, update.id, wire::Verdict::kAccepted, wire::Refusal::kNone, 0);
    ++round_record_.diverged;
    settle_without_update(slot, EventKind::kDiverged, wire::Refusal::kNone);
    return;
  }
  if (!evaluates && update.outcome == wire::Outcome::kAdapted) {
    take_change(slot, update, payload, now_ms);
    return;
  }
  count(wire::Refusal::kMalformed);
  reply(device, update.id, wire::Verdict::kRefused, wire::Refusal::kMalformed, 0);
  replace(slot, wire::Refusal::kMalformed, "another outcome than asked for", now_ms);
}

void Coordinator::take_change(Slot& slot, const wire::Update& update, Bytes payload, std::uint64_t now_ms) {
  Device& device = device_at(slot.device_index);
  const auto refuse_and_replace = [&](wire::Refusal reason) {
    count(reason);
    reply(device, update.id, wire::Verdict::kRefused, reason, 0);
    replace(slot, reason, wire::refusal_text(reason), now_ms);
  };
  if (config_.experiment.uplink != update.uplink) {
    refuse_and_replace(wire::Refusal::kUnknownCodec);
    return;
  }
  switch (slot.assembly.take(update, payload)) {
    case UpdateAssembly::Step::kIncomplete: return;
    case UpdateAssembly::Step::kResend:
      reply(device, update.id, wire::Verdict::kResend, wire::Refusal::kNone, slot.assembly.next_chunk());
      return;
    case UpdateAssembly::Step::kWrongShape: refuse_and_replace(wire::Refusal::kWrongShape); return;
    case UpdateAssembly::Step::kComplete: break;
  }
  const Span<float> change(change_.data(), change_.size());
  if (codec::decode(codec_, model_.network, slot.assembly.bytes(), change) != Status::kOk) {
    refuse_and_replace(wire::Refusal::kMalformed);
    return;
  }
  const wire::Refusal reason = aggregator_.add(change, strategy_->aggregation_weight(update.support_samples));
  if (reason != wire::Refusal::kNone) {  // a function of the experiment, like divergence: nobody takes the place
    count(reason);
    ++round_record_.refused;
    reply(device, update.id, wire::Verdict::kRefused, reason, 0);
    settle_without_update(slot, EventKind::kRefused, reason);
    return;
  }
  reply(device, update.id, wire::Verdict::kAccepted, wire::Refusal::kNone, 0);
  settle(slot);
}

void Coordinator::take_evaluation(Slot& slot, const wire::Update& update) {
  Device& device = device_at(slot.device_index);
  const wire::Evaluation& part = update.evaluation;
  const bool plausible = part.tasks == slot.task_count && part.correct_before <= part.query_samples &&
                         part.correct_after <= part.query_samples;
  if (!plausible) {
    count(wire::Refusal::kMalformed);
    reply(device, update.id, wire::Verdict::kRefused, wire::Refusal::kMalformed, 0);
    settle_without_update(slot, EventKind::kMissing, wire::Refusal::kMalformed);
    return;
  }
  wire::Evaluation& total = evaluation_record_.total;
  total.tasks += part.tasks;
  total.query_samples += part.query_samples;
  total.correct_before += part.correct_before;
  total.correct_after += part.correct_after;
  total.loss_before += part.loss_before;
  total.loss_after += part.loss_after;
  total.diverged_tasks += part.diverged_tasks;
  ++evaluation_record_.devices;
  reply(device, update.id, wire::Verdict::kAccepted, wire::Refusal::kNone, 0);
  settle(slot);
}

// ---- slots ----------------------------------------------------------------------------------------------------------

std::uint32_t Coordinator::slot_number(const Slot& slot) const {
  return static_cast<std::uint32_t>(&slot - slots_.data());
}

void Coordinator::settle(Slot& slot) {
  Device& device = device_at(slot.device_index);
  device.has_settled = true;
  device.settled = {config_.run, rounds_done_, slot.attempt};
  slot.open = false;
}

void Coordinator::settle_without_update(Slot& slot, EventKind kind, wire::Refusal reason) {
  record({rounds_done_, kind, slot_number(slot), slot.device_index, slot.attempt, reason,
          device_at(slot.device_index).id});
  settle(slot);
}

void Coordinator::record(TranscriptEvent event) { actions_.emplace_back(CommitEvent{std::move(event)}); }

/// Gives a slot to the next device of the round's order. When nobody is left, the slot is dropped if others have
/// answered or may still; otherwise the same device is asked again, since a round without any update teaches nothing.
void Coordinator::replace(Slot& slot, wire::Refusal reason, const std::string& detail, std::uint64_t now_ms) {
  const std::string who = device_at(slot.device_index).id + ": " + detail;
  if (phase_ == Phase::kEvaluating) {
    settle_without_update(slot, EventKind::kMissing, reason);
    return;
  }
  slot.offline_ms = kNever;
  slot.deadline_ms = now_ms + config_.experiment.fleet.deadline_ms;
  slot.assembly.reset(codec::encoded_bytes(codec_, model_.network));
  while (next_position_ < membership_.training.size()) {
    slot.device_index = cohort_device(config_.experiment.seed, rounds_done_, membership_.training, next_position_++);
    ++slot.attempt;
    slot.sends = 0;
    ++round_record_.replaced;
    record({rounds_done_, EventKind::kReplaced, slot_number(slot), slot.device_index, slot.attempt, reason, who});
    if (is_offline(slot.device_index)) continue;
    send_task(slot, now_ms);
    return;
  }
  const auto others_open =
      std::count_if(slots_.begin(), slots_.end(), [](const Slot& other) { return other.open; }) > 1;
  if (aggregator_.updates() > 0 || others_open) {
    record({rounds_done_, EventKind::kDropped, slot_number(slot), slot.device_index, slot.attempt, reason, who});
    slot.open = false;
  } else {
    // Asked again after a pause, so that a device that refuses at once does not keep both of us busy.
    slot.resend_ms = now_ms + resend_wait(slot.sends++);
  }
}

void Coordinator::on_time(std::uint64_t now_ms) {
  if (now_ms < wake_ms_ || slots_.empty()) return;
  for (Slot& slot : slots_) {
    if (!slot.open) continue;
    if (now_ms >= slot.deadline_ms) {
      replace(slot, wire::Refusal::kLate, "no answer in time", now_ms);
    } else if (now_ms >= slot.offline_ms) {
      replace(slot, wire::Refusal::kNone, "offline", now_ms);
    } else if (now_ms >= slot.resend_ms) {
      send_task(slot, now_ms);
    }
  }
  if (!all_settled()) {
    update_wake();
    return;
  }
  if (phase_ == Phase::kEvaluating) {
    close_evaluation();
  } else {
    close_round(now_ms);
  }
  advance(now_ms);
}

void Coordinator::update_wake() {
  wake_ms_ = kNever;
  if (!connected_) return;
  for (const Slot& slot : slots_) {
    if (slot.open) wake_ms_ = std::min({wake_ms_, slot.deadline_ms, slot.resend_ms, slot.offline_ms});
  }
}

}  // namespace skink::coordinator
