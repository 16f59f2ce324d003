#include "skink/coordinator/core/coordinator.hpp"

#include <algorithm>
#include <stdexcept>

namespace skink::coordinator {
namespace {

Bytes view(const std::vector<std::uint8_t>& bytes) { return {bytes.data(), bytes.size()}; }

/// A store that was damaged, or is another experiment's.
void check_snapshot(const RunSnapshot& snapshot, const Experiment& experiment) {
  const bool is_frozen = !snapshot.roster.empty();
  if (is_frozen && snapshot.roster.size() != experiment.fleet.devices) {
    throw std::runtime_error("the stored roster has " + std::to_string(snapshot.roster.size()) +
                             " devices, the experiment " + std::to_string(experiment.fleet.devices));
  }
  if (snapshot.rounds_done > experiment.meta.rounds || (!is_frozen && snapshot.rounds_done > 0)) {
    throw std::runtime_error("the stored run has more rounds than its experiment");
  }
}

}  // namespace

Coordinator::Coordinator(CoordinatorConfig config, const RunSnapshot* snapshot)
    : config_(std::move(config)),
      strategy_(rounds::make_strategy(config_.experiment.meta)),
      model_{make_network(config_.experiment.model), config_.experiment.model.input_scale,
             config_.experiment.model.input_offset},
      parameters_(initial_parameters(config_.experiment.model, config_.experiment.seed)),
      aggregator_(model_.network, config_.experiment.meta.clip_norm, config_.executor),
      downlink_(config_.experiment.downlink, model_.network, config_.experiment.seed),
      patches_(config_.experiment.downlink, model::model_bytes(model_.network)),
      presence_(config_.nonce) {
  if (!codec::parse(config_.experiment.uplink.c_str(), codec_)) throw std::runtime_error("unknown codec");
  longest_update_ = codec::encoded_bytes(codec_, model_.network);
  if (snapshot != nullptr) restore(*snapshot);
  rebuild_model();
}

Coordinator::~Coordinator() = default;

// ---- state ----------------------------------------------------------------------------------------------------------

void Coordinator::restore(const RunSnapshot& snapshot) {
  check_snapshot(snapshot, config_.experiment);
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
  if (rounds_done_ > 0 && !downlink_.restore(snapshot.downlink_residual)) {
    throw std::runtime_error("the stored residual does not belong to this experiment");
  }
  for (const rounds::Patch& patch : snapshot.patches) patches_.add(patch);
  if (!roster_.empty()) {
    adopt_roster();
    restore_accepted_rounds();
  }
  if (snapshot.finished) phase_ = Phase::kFinished;
}

/// Whose update each finished round took follows from the cohorts and the transcript.
void Coordinator::restore_accepted_rounds() {
  if (!codec_.error_feedback) return;
  for (const std::uint32_t finished = std::exchange(rounds_done_, 0); rounds_done_ < finished; ++rounds_done_) {
    open_slots();
    for (const Slot& slot : slots_) {
      if (slot.open) device_at(slot.device_index).accepted_round = rounds_done_ + 1;
    }
  }
  slots_.clear();
}

void Coordinator::rebuild_model() {
  model_file_.resize(model::model_bytes(model_.network));
  const Status status = model::encode(model_, {parameters_.data(), parameters_.size()},
                                      {model_file_.data(), model_file_.size()}, digest_);
  if (status != Status::kOk) throw std::runtime_error("the meta-parameters are not finite");
  model_published_ = false;
}

std::vector<Action> Coordinator::take_actions() {
  settle_waiting();
  return std::exchange(actions_, {});
}

// ---- progress of a run ----------------------------------------------------------------------------------------------

void Coordinator::on_connected(std::uint64_t now_ms) {
  settle_waiting();
  connected_ = true;
  model_published_ = false;
  for (auto& [id, device] : devices_) presence_.on_connected(id, device.presence);
  if (phase_ == Phase::kFinished) {
    withdraw();  // whether the last time it arrived, nobody knows
    return;
  }
  if (roster_.empty()) {
    if (devices_online() >= config_.experiment.fleet.devices) freeze_roster(now_ms);
    return;
  }
  clear_slot(wire::model_slot(rounds_done_ + 1));  // of the round before; likewise
  if (slots_.empty()) {
    advance(now_ms);
    return;
  }
  for (Slot& slot : slots_) {
    if (!slot.open) continue;
    slot.deadline_ms = now_ms + config_.experiment.fleet.deadline_ms;  // nobody could answer while we were away
    slot.offline_ms = kNever;
    if (is_offline(slot.device_index)) {  // as far as we know; nobody could come back either
      Device& device = device_at(slot.device_index);
      device.presence.offline_since_ms = now_ms;
      slot.offline_ms = given_up_ms(device);
    }
    send_task(slot, now_ms);
  }
  update_wake();
}

void Coordinator::on_disconnected() {
  settle_waiting();
  connected_ = false;
  wake_ms_ = kNever;
}

void Coordinator::update_wake() {
  wake_ms_ = kNever;
  if (!connected_) return;
  wake_ms_ = presence_.wake_ms();
  for (const Slot& slot : slots_) {
    if (slot.open) wake_ms_ = std::min({wake_ms_, slot.deadline_ms, slot.resend_ms, slot.offline_ms});
  }
}

/// Tasks of an evaluation made now.
std::uint32_t Coordinator::evaluation_tasks() const {
  return rounds::evaluation_tasks(config_.experiment, rounds_done_);
}

bool Coordinator::evaluation_is_due() const {
  const EvaluationConfig& evaluation = config_.experiment.evaluation;
  if (evaluation_tasks() == 0 || membership_.held_out.empty()) return false;
  if (!evaluations_.empty() && evaluations_.back().rounds == rounds_done_) return false;  // they are in order
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
  const std::uint32_t tasks = evaluation_tasks();
  const std::uint64_t devices = membership_.held_out.size();
  evaluation_record_ = {};
  evaluation_record_.rounds = rounds_done_;
  for (std::uint64_t j = 0; j < devices; ++j) {
    Slot slot;
    slot.device_index = membership_.held_out[j];
    const rounds::TaskShare share = rounds::evaluation_share(tasks, j, devices);
    slot.first_task = share.first;
    slot.task_count = share.count;
    slot.open = slot.task_count > 0;
    slot.deadline_ms = now_ms + config_.experiment.fleet.deadline_ms;
    if (slot.open && is_offline(slot.device_index)) slot.offline_ms = given_up_ms(device_at(slot.device_index));
    slots_.push_back(std::move(slot));
  }
  for (Slot& slot : slots_) {
    if (!slot.open || !is_revoked(device_at(slot.device_index).id)) continue;
    settle_without_update(slot, EventKind::kMissing, wire::Refusal::kRevoked);
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
  open_slots();
  for (Slot& slot : slots_) {
    slot.deadline_ms = now_ms + config_.experiment.fleet.deadline_ms;
    slot.assembly.reset();
  }
  publish_model();
  for (Slot& slot : slots_) {
    if (!slot.open) continue;
    if (is_revoked(device_at(slot.device_index).id)) {
      replace(slot, wire::Refusal::kRevoked, "revoked", now_ms);
    } else if (!config_.replay && is_offline(slot.device_index)) {
      slot.resend_ms = kNever;  // its birth brings it the task
      slot.offline_ms = given_up_ms(device_at(slot.device_index));
      if (now_ms >= slot.offline_ms) replace(slot, wire::Refusal::kNone, "offline", now_ms);
    } else {
      send_task(slot, now_ms);
    }
  }
}

/// The cohort, and what a stored transcript says of it.
void Coordinator::open_slots() {
  slots_.clear();
  next_position_ = config_.experiment.meta.cohort;
  for (std::uint32_t position = 0; position < config_.experiment.meta.cohort; ++position) {
    Slot slot;
    slot.device_index = rounds::cohort_device(config_.experiment.seed, rounds_done_, membership_.training, position);
    slot.open = true;
    slots_.push_back(std::move(slot));
  }
  apply_past_events();
}

/// What a stored transcript says of this round, when a run is continued or replayed.
void Coordinator::apply_past_events() {
  const auto is_earlier = [](const TranscriptEvent& event, std::uint32_t round) { return event.round < round; };
  auto next = std::lower_bound(past_events_.begin(), past_events_.end(), rounds_done_, is_earlier);
  for (; next != past_events_.end() && next->round == rounds_done_; ++next) {
    const TranscriptEvent& event = *next;
    if (event.slot >= slots_.size()) continue;
    Slot& slot = slots_[event.slot];
    switch (event.kind) {
      case EventKind::kReplaced:
        slot.device_index = event.device_index;
        slot.attempt = event.attempt;
        slot.forgot = false;
        slot.known_samples = 0;
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
      case EventKind::kForgot: slot.forgot = true; break;
      case EventKind::kSamples: slot.known_samples = event.support_samples; break;
      case EventKind::kMissing:
      case EventKind::kLateJoin: break;
    }
  }
}

/// phi after the round, and the patch that leads to it.
void Coordinator::step() {
  const std::vector<float> before = downlink_.is_compressed() ? parameters_ : std::vector<float>();
  aggregator_.step(round_record_.meta_learning_rate, {parameters_.data(), parameters_.size()});
  if (!downlink_.is_compressed()) return;
  rounds::Patch patch{rounds_done_, digest_, {}};
  if (aggregator_.total_weight() > 0) patch.bytes = downlink_.pass(rounds_done_, before, parameters_);
  patches_.add(std::move(patch));
}

void Coordinator::close_round(std::uint64_t now_ms) {
  const std::uint32_t last_slot = model_slot();
  step();
  rebuild_model();
  ++rounds_done_;
  for (const Slot& slot : slots_) {
    if (slot.taken) device_at(slot.device_index).accepted_round = rounds_done_;
  }
  traffic_.device_rounds += aggregator_.updates();
  round_record_.updates = aggregator_.updates();
  round_record_.total_weight = aggregator_.total_weight();
  round_record_.duration_ms = now_ms - round_started_ms_;
  round_record_.traffic = traffic_;
  char hex[2 * crypto::kDigestBytes + 1];
  crypto::to_hex(digest_, hex);
  round_record_.model_sha256 = hex;
  CommitRound commit{round_record_, model_file_, {}, rounds_done_, downlink_.residual()};
  if (!patches_.patches().empty()) {
    commit.patch = patches_.patches().back();
    commit.first_patch = patches_.patches().front().round;
  }
  actions_.emplace_back(std::move(commit));
  clear_slot(last_slot);
}

void Coordinator::finish() {
  phase_ = Phase::kFinished;
  actions_.emplace_back(CommitFinished{});
  clear_slot(model_slot());
}

}  // namespace skink::coordinator
