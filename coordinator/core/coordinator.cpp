#include "skink/coordinator/core/coordinator.hpp"

#include <algorithm>
#include <stdexcept>

#include "skink/coordinator/core/state_message.hpp"
#include "skink/rounds/evaluation_figures.hpp"
#include "skink/rounds/evaluation_plan.hpp"

namespace skink::coordinator {
namespace {

constexpr std::uint32_t kRenumberings = 8;
constexpr std::uint64_t kRenumberMs = 60000;

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
      model_(config_.experiment),
      own_devices_(config_.devices != nullptr
                       ? std::nullopt
                       : std::make_optional<DeviceBook>(config_.master_key, config_.fleet, config_.nonce)),
      devices_(config_.devices != nullptr ? *config_.devices : *own_devices_),
      outbox_(config_.experiment, model_, config_.model_chunk_bytes),
      driver_({config_.experiment, model_.strategy(), model_, devices_, outbox_, refused_}, config_.run, config_.mode,
              config_.executor) {
  devices_.begin_run();
  if (config_.evaluates_only) driver_.keep_shares();
  if (snapshot != nullptr) restore(*snapshot);
  model_.encode();
  outbox_.set_rounds_done(rounds_done_);
}

// ---- a stored run ---------------------------------------------------------------------------------------------------

void Coordinator::restore(const RunSnapshot& snapshot) {
  check_snapshot(snapshot, config_.experiment);
  config_.run = snapshot.run;
  if (!snapshot.roster.empty()) adopt_roster(snapshot.roster);
  if (config_.mode == RunMode::kLive) {
    rounds_done_ = snapshot.rounds_done;
    for (const rounds::EvaluationRecord& record : snapshot.evaluations) add_evaluation(record);
    outbox_.traffic() = snapshot.traffic;
    restore_model(snapshot);
    if (snapshot.finished) phase_ = Phase::kFinished;
  }
  driver_.restore(snapshot.run, snapshot.transcript, rounds_done_);
}

void Coordinator::restore_model(const RunSnapshot& snapshot) {
  if (!snapshot.model.empty()) {
    const Status status = model_.take({snapshot.model.data(), snapshot.model.size()});
    if (status != Status::kOk) {
      throw std::runtime_error(std::string("the stored model does not belong to this experiment: ") +
                               status_text(status));
    }
  }
  if (rounds_done_ > 0 && !model_.take_residual(snapshot.downlink_residual)) {
    throw std::runtime_error("the stored residual does not belong to this experiment");
  }
  if (rounds_done_ > 0 && !model_.take_strategy_state(snapshot.strategy_state)) {
    throw std::runtime_error("what the strategy keeps between rounds is not in the store, or belongs to another one");
  }
  for (const rounds::Patch& patch : snapshot.patches) outbox_.patches().add(patch);
}

void Coordinator::adopt_roster(std::vector<std::string> roster) {
  devices_.adopt_roster(std::move(roster), config_.experiment.seed, config_.experiment.fleet);
}

std::vector<Action> Coordinator::take_actions() {
  driver_.settle_waiting();
  return outbox_.take();
}

// ---- progress of a run ----------------------------------------------------------------------------------------------

void Coordinator::on_connected(std::uint64_t now_ms) {
  driver_.settle_waiting();
  if (config_.mode == RunMode::kLive) devices_.on_connected(now_ms);
  attach(now_ms);
}

void Coordinator::attach(std::uint64_t now_ms) {
  connected_ = true;
  outbox_.forget_published();
  keep_ahead_of(devices_.last_task(config_.run + kMostAhead), now_ms);
  if (phase_ == Phase::kFinished) {
    withdraw();  // whether the last time it arrived, nobody knows
    return;
  }
  if (roster().empty()) {
    if (fleet_is_there()) freeze_roster(now_ms);
    return;
  }
  outbox_.clear_last_model();  // likewise
  if (driver_.is_idle()) {
    advance(now_ms);
    return;
  }
  driver_.on_connected(now_ms);
  update_wake();
}

void Coordinator::on_disconnected() {
  driver_.settle_waiting();
  connected_ = false;
  wake_ms_ = kNever;
}

void Coordinator::withdraw() {
  driver_.settle_waiting();
  outbox_.withdraw();
}

bool Coordinator::publishes(std::uint32_t slot, std::uint32_t chunk) const {
  return phase_ != Phase::kFinished && outbox_.publishes(slot, chunk);
}

void Coordinator::update_wake() { wake_ms_ = connected_ ? std::min(devices_.wake_ms(), driver_.wake_ms()) : kNever; }

void Coordinator::freeze_roster(std::uint64_t now_ms) {
  adopt_roster(devices_.online_ids(config_.experiment.fleet.devices));
  outbox_.commit(CommitRoster{roster()});
  advance(now_ms);
}

/// Opens what comes next; loops because it may be over as soon as it is opened (a replayed round without updates).
void Coordinator::advance(std::uint64_t now_ms) {
  for (;;) {
    if (rounds::evaluation_is_due(config_.experiment, rounds_done_, evaluations_)) {
      phase_ = Phase::kEvaluating;
      driver_.open_evaluation(rounds_done_, now_ms);
      if (!driver_.is_over()) break;
      close_evaluation();
    } else if (rounds_done_ < config_.experiment.meta.rounds && !(config_.evaluates_only && !evaluations_.empty())) {
      phase_ = Phase::kTraining;
      driver_.open_round(rounds_done_, now_ms);
      if (!driver_.is_over()) break;
      close_round(now_ms);
    } else {
      finish();
      break;
    }
  }
  update_wake();
}

/// After anything that may have settled the last slot.
void Coordinator::go_on(std::uint64_t now_ms) {
  driver_.settle_if_all_wait();
  if (!driver_.is_over()) {
    update_wake();
    return;
  }
  if (driver_.is_evaluation()) {
    close_evaluation();
  } else {
    close_round(now_ms);
  }
  advance(now_ms);
}

/// Reports are kept of the last only.
void Coordinator::add_evaluation(rounds::EvaluationRecord record) {
  if (!evaluations_.empty()) evaluations_.back().reports = {};
  if (!record.reports.empty()) record.figures = rounds::figures_of(record.reports, config_.experiment);
  evaluations_.push_back(std::move(record));
}

void Coordinator::close_evaluation() {
  rounds::EvaluationRecord record = driver_.close_evaluation();
  record.traffic = traffic();
  add_evaluation(std::move(record));
  outbox_.commit(CommitEvaluation{evaluations_.back()});
}

void Coordinator::close_round(std::uint64_t now_ms) {
  RoundOutcome outcome = driver_.close_round(now_ms);
  rounds::RoundRecord& record = outcome.record;
  const crypto::Digest base = model_.digest();
  model_.follow_norms(record.updates, outcome.longer);
  std::vector<std::uint8_t> patch =
      model_.step(record.round, {outcome.sums.data(), outcome.sums.size()}, record.total_weight);
  if (model_.downlink().is_compressed()) outbox_.patches().add({record.round, base, std::move(patch)});
  model_.encode();
  outbox_.set_rounds_done(++rounds_done_);
  outbox_.traffic().device_rounds += record.updates;
  record.traffic = traffic();
  record.model_sha256 = model_.digest_text();
  CommitRound commit{record, model_.file(), {}, rounds_done_, model_.downlink().residual(), model_.strategy_state()};
  const auto& patches = outbox_.patches().patches();
  if (!patches.empty()) {
    commit.patch = patches.back();
    commit.first_patch = patches.front().round;
  }
  outbox_.commit(std::move(commit));
  outbox_.clear_last_model();
}

void Coordinator::finish() {
  phase_ = Phase::kFinished;
  outbox_.commit(CommitFinished{});
  outbox_.clear_model();
}

// ---- devices --------------------------------------------------------------------------------------------------------

void Coordinator::revoke(const RevokedIds& ids, std::uint64_t now_ms) {
  if (config_.mode == RunMode::kReplay) return;
  driver_.settle_waiting();
  // All are marked before any loses its slot, so that none of them takes another's place.
  for (KnownDevice* device : devices_.revoke(ids)) {
    devices_.on_gone(*device, now_ms);
    driver_.on_revoked(*device, now_ms);
  }
  if (!driver_.is_idle()) go_on(now_ms);
}

void Coordinator::exclude(const std::string& device_id, bool is_excluded, std::uint64_t now_ms) {
  driver_.settle_waiting();
  devices_.exclude(device_id, is_excluded);
  const KnownDevice* device = devices_.find(device_id);
  if (config_.mode == RunMode::kReplay || device == nullptr || driver_.is_idle()) return;
  if (is_excluded) {
    driver_.on_excluded(*device, now_ms);
  } else if (device->presence.online) {
    driver_.on_birth(*device, now_ms);
  }
  go_on(now_ms);
}

void Coordinator::on_state(std::string_view device_id, Bytes message, std::uint64_t now_ms) {
  const StateMessage state = read_state(devices_, device_id, message, refused_);
  if (state.kind == StateMessage::Kind::kNothing) return;
  if (state.kind == StateMessage::Kind::kWill) {
    take_will(device_id, now_ms);
    return;
  }
  driver_.settle_waiting();
  KnownDevice& device = devices_.add(device_id);
  if (devices_.on_birth(device, state.birth, now_ms)) take_birth(device, state.birth, now_ms);
  send_challenges(now_ms);
  update_wake();
}

/// Nobody vouches for a last will: the broker publishes it. All that it can do is to make us wait for a device.
void Coordinator::take_will(std::string_view id, std::uint64_t now_ms) {
  KnownDevice* device = devices_.find(id);
  if (device == nullptr) return;  // it never came
  driver_.settle_waiting();
  devices_.on_will(*device, now_ms);
  driver_.on_gone(*device);
  update_wake();
}

/// It is there, now.
void Coordinator::take_birth(KnownDevice& device, const wire::State& birth, std::uint64_t now_ms) {
  outbox_.note_model(device, birth.model);
  keep_ahead_of(device.last_task, now_ms);
  if (phase_ == Phase::kWaitingForFleet && roster().empty()) {
    if (connected_ && fleet_is_there()) freeze_roster(now_ms);
    return;
  }
  if (!devices_.is_member(device.id) && !device.reported_late_join && phase_ != Phase::kFinished) {
    device.reported_late_join = true;
    outbox_.record({rounds_done_, EventKind::kLateJoin, 0, 0, 0, wire::Refusal::kNone, device.id, 0});
  }
  driver_.on_birth(device, now_ms);
}

/// A device refuses what is older than its last task. It has seen later ones than ours when our store was restored from
/// a backup, or our clock was behind when the run got its number: the run goes on under a higher one.
void Coordinator::keep_ahead_of(const wire::RoundId& last, std::uint64_t now_ms) {
  const bool is_ahead = last.run > config_.run || (last.run == config_.run && last.round > rounds_done_);
  if (!is_ahead || phase_ == Phase::kFinished || last.run - config_.run > kMostAhead) return;
  renumber(last.run + 1, now_ms);
}

void Coordinator::renumber(std::uint64_t run, std::uint64_t now_ms) {
  const bool is_often = renumberings_ >= kRenumberings && now_ms - renumbered_ms_ < kRenumberMs;
  if (config_.mode == RunMode::kReplay || is_often) return;  // whoever makes us begin rounds anew cannot do it for ever
  ++renumberings_;
  renumbered_ms_ = now_ms;
  config_.run = run;
  outbox_.commit(CommitNumber{run});
  driver_.renumber(run, now_ms);
}

void Coordinator::send_challenges(std::uint64_t now_ms) {
  if (!connected_) return;
  while (KnownDevice* device = devices_.due_probe(now_ms)) {
    outbox_.send_challenge(*device);
    devices_.probe_sent(*device, now_ms);
  }
}

void Coordinator::on_update(std::string_view device_id, Bytes message, std::uint64_t now_ms) {
  const Message one{device_id, message};
  on_updates({&one, 1}, now_ms);
}

void Coordinator::on_updates(Span<const Message> messages, std::uint64_t now_ms) {
  const std::vector<OpenedUpdate> opened = driver_.open(messages);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    driver_.on_update(messages[i], opened[i], now_ms);
    go_on(now_ms);
  }
}

void Coordinator::on_time(std::uint64_t now_ms) {
  driver_.settle_waiting();
  if (now_ms < wake_ms_) return;
  send_challenges(now_ms);
  driver_.on_time(now_ms);
  go_on(now_ms);
}

}  // namespace skink::coordinator
