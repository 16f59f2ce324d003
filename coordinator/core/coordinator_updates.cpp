/// @file
/// What devices answer, and what becomes of their slots.

#include <algorithm>
#include <utility>

#include "skink/coordinator/core/coordinator.hpp"
#include "skink/rounds/evaluation_sums.hpp"

namespace skink::coordinator {
namespace {

/// Why a device will not do it, with its two numbers where it gave them.
std::string refusal_detail(const wire::Update& update) {
  std::string text = wire::refusal_text(update.refusal);
  if (update.needed_bytes == 0) return text;
  return text + ", needs " + std::to_string(update.needed_bytes) + " bytes, has " +
         std::to_string(update.available_bytes);
}

}  // namespace

Coordinator::Slot* Coordinator::open_slot_of(const Device& device) {
  for (Slot& slot : slots_) {
    if (slot.open && roster_devices_[slot.device_index] == &device) return &slot;
  }
  return nullptr;
}

void Coordinator::on_update(std::string_view device_id, Bytes message, std::uint64_t now_ms) {
  const Message one{device_id, message};
  on_updates({&one, 1}, now_ms);
}

void Coordinator::on_updates(Span<const Message> messages, std::uint64_t now_ms) {
  std::vector<Opened> opened(messages.size());
  config_.executor.run(static_cast<std::uint32_t>(messages.size()),
                       [&](std::uint32_t /*worker*/, std::uint32_t part) { opened[part] = open(messages[part]); });
  for (std::size_t i = 0; i < messages.size(); ++i) take_update(messages[i], opened[i], now_ms);
}

/// On any thread: it reads what no update changes.
Coordinator::Opened Coordinator::open(const Message& message) const {
  Opened opened;
  const auto found = devices_.find(message.device_id);
  if (found == devices_.end() || is_revoked(message.device_id)) return opened;  // take_update() looks itself
  const Device& device = found->second;
  opened.status = wire::decode_update(message.bytes, {device.id.c_str(), device.key}, opened.update, opened.payload);
  return opened;
}

void Coordinator::take_update(const Message& message, const Opened& opened, std::uint64_t now_ms) {
  if (is_revoked(message.device_id)) {
    count(wire::Refusal::kRevoked);
    return;
  }
  const auto found = devices_.find(message.device_id);
  if (found == devices_.end()) {
    count(wire::Refusal::kUnknownDevice);
    return;
  }
  Device& device = found->second;
  if (opened.status == Status::kDamaged) {
    refuse_unreadable(device, now_ms);
    return;
  }
  if (opened.status != Status::kOk) {
    count(wire::Refusal::kWrongAuthentication);
    return;
  }
  const wire::Update& update = opened.update;
  presence_.on_sign_of_life(device.id, device.presence, now_ms);
  traffic_.uplink_bytes += message.bytes.size();
  const auto is_expected = [&](const Slot* slot) {
    return slot != nullptr && update.id == wire::RoundId{config_.run, rounds_done_, slot->attempt};
  };
  Slot* slot = open_slot_of(device);
  const bool is_chunk = phase_ == Phase::kTraining && update.outcome == wire::Outcome::kAdapted;
  if (!is_expected(slot) || slot->waits || !is_chunk) {
    settle_waiting();
    slot = open_slot_of(device);
  }
  if (!is_expected(slot)) {
    answer_unexpected(device, update);
    return;
  }
  if (update.outcome != wire::Outcome::kRefused) {  // it has worked with this model
    device.has_base = true;
    device.base = digest_;
  }
  take_report(*slot, update, opened.payload, now_ms);
  close_if_settled(now_ms);
}

/// Is nothing open but what waits?
bool Coordinator::all_wait() const {
  return !waiting_.empty() &&
         std::none_of(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.open && !slot.waits; });
}

/// Goes on to what comes next when nothing of this round or evaluation is open.
void Coordinator::close_if_settled(std::uint64_t now_ms) {
  if (all_wait()) {
    settle_waiting();  // and closes
    return;
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

/// Its code is right, so it is the device's, but it does not parse, or lacks what its outcome needs. Which task it
/// answers is not known; the device has at most one.
void Coordinator::refuse_unreadable(Device& device, std::uint64_t now_ms) {
  settle_waiting();
  count(wire::Refusal::kMalformed);
  Slot* slot = open_slot_of(device);
  if (slot == nullptr) return;
  reply(device, {config_.run, rounds_done_, slot->attempt}, wire::Verdict::kRefused, wire::Refusal::kMalformed, 0);
  replace(*slot, wire::Refusal::kMalformed, "its update cannot be read", now_ms);
  close_if_settled(now_ms);
}

/// A device that sends many chunks is answered at the first, so that it stops, and at the last, which it sends again
/// when an answer was lost; not at those between them.
void Coordinator::answer_unexpected(Device& device, const wire::Update& update) {
  const wire::RoundId& id = update.id;
  const bool is_last = update.chunk + 1 >= update.chunk_count;
  if (device.has_settled && device.settled == id) {  // our reply was lost, or has not arrived yet
    if (!is_last) return;
    const bool was_taken = device.verdict == wire::Refusal::kNone;
    const wire::Refusal reason = was_taken ? wire::Refusal::kDuplicate : device.verdict;
    count(reason);
    reply(device, id, was_taken ? wire::Verdict::kAccepted : wire::Verdict::kRefused, reason, 0);
    return;
  }
  if (device.was_told_off && device.unexpected == id && !is_last) return;
  device.was_told_off = true;
  device.unexpected = id;
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
    replace(slot, update.refusal, refusal_detail(update), now_ms);
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

/// One that is complete waits. Before anything is said of this one, what came before it is settled.
void Coordinator::take_change(Slot& slot, const wire::Update& update, Bytes payload, std::uint64_t now_ms) {
  if (config_.experiment.uplink != update.uplink) {
    refuse_change(slot, update.id, wire::Refusal::kUnknownCodec, now_ms);
    return;
  }
  switch (slot.assembly.take(update, payload, longest_update_)) {
    case UpdateAssembly::Step::kIncomplete: put_off_resend(slot, now_ms); return;
    case UpdateAssembly::Step::kKnownGap: return;
    case UpdateAssembly::Step::kResend:
      settle_waiting();
      reply(device_at(slot.device_index), update.id, wire::Verdict::kResend, wire::Refusal::kNone,
            slot.assembly.next_chunk());
      return;
    case UpdateAssembly::Step::kWrongShape: refuse_change(slot, update.id, wire::Refusal::kWrongShape, now_ms); return;
    case UpdateAssembly::Step::kComplete: break;
  }
  const bool has_its_residual = update.residual_round == 0 || update.residual_round == residual_round_of(slot);
  const bool has_its_samples =
      update.support_samples >= 1 && update.support_samples <= support_samples(config_.experiment);
  if (!has_its_samples || (codec_.error_feedback && !has_its_residual)) {
    refuse_change(slot, update.id, wire::Refusal::kMalformed, now_ms);
    return;
  }
  slot.waits = true;
  const std::uint32_t samples = slot.known_samples != 0 ? slot.known_samples : update.support_samples;
  waiting_.push_back({slot_number(slot), update.id, samples, update.residual_round, now_ms});
}

/// Somebody else gets the slot.
void Coordinator::refuse_change(Slot& slot, const wire::RoundId& id, wire::Refusal reason, std::uint64_t now_ms) {
  settle_waiting();
  count(reason);
  reply(device_at(slot.device_index), id, wire::Verdict::kRefused, reason, 0);
  replace(slot, reason, wire::refusal_text(reason), now_ms);
}

/// Decodes and adds all that waits, then goes through it as if each had come alone.
void Coordinator::settle_waiting() {
  if (waiting_.empty()) return;
  const std::vector<Waiting> waiting = std::exchange(waiting_, {});
  std::vector<rounds::EncodedChange> changes;
  for (const Waiting& change : waiting) {
    const Slot& slot = slots_[change.slot];
    changes.push_back({slot.assembly.bytes(),
                       {config_.experiment.seed, rounds_done_, slot.device_index},
                       strategy_->aggregation_weight(change.support_samples)});
  }
  const std::vector<wire::Refusal> refusals = aggregator_.add(codec_, {changes.data(), changes.size()});
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    slots_[waiting[i].slot].waits = false;
    settle_change(waiting[i], refusals[i]);
    close_if_settled(waiting[i].now_ms);
  }
}

void Coordinator::settle_change(const Waiting& change, wire::Refusal refusal) {
  Slot& slot = slots_[change.slot];
  Device& device = device_at(slot.device_index);
  if (refusal == wire::Refusal::kMalformed) {
    refuse_change(slot, change.id, refusal, change.now_ms);
    return;
  }
  if (codec_.error_feedback && change.residual_round == 0 && residual_round_of(slot) != 0) {
    slot.forgot = true;
    record({rounds_done_, EventKind::kForgot, change.slot, slot.device_index, slot.attempt, wire::Refusal::kNone,
            device.id});
  }
  if (refusal != wire::Refusal::kNone) {  // a function of the experiment, like divergence: nobody takes the place
    count(refusal);
    ++round_record_.refused;
    reply(device, change.id, wire::Verdict::kRefused, refusal, 0);
    settle_without_update(slot, EventKind::kRefused, refusal);
    return;
  }
  aggregator_.count(strategy_->aggregation_weight(change.support_samples));
  note_samples(slot, change.support_samples);
  if (on_taken_) {
    on_taken_({change.id, slot.device_index, device.id, change.support_samples, slot.assembly.bytes()});
  }
  slot.taken = true;
  reply(device, change.id, wire::Verdict::kAccepted, wire::Refusal::kNone, 0);
  settle(slot, wire::Refusal::kNone);
}

/// A weight that does not follow from the experiment has to stand in the transcript, or no replay could know it.
void Coordinator::note_samples(const Slot& slot, std::uint32_t support_samples) {
  const auto expected = static_cast<std::uint32_t>(skink::support_samples(config_.experiment));
  if (strategy_->aggregation_weight(support_samples) == strategy_->aggregation_weight(expected)) return;
  const std::string detail = device_at(slot.device_index).id + ": adapted to " + std::to_string(support_samples) +
                             " of " + std::to_string(expected) + " samples";
  record({rounds_done_, EventKind::kSamples, slot_number(slot), slot.device_index, slot.attempt, wire::Refusal::kNone,
          detail, support_samples});
}

void Coordinator::take_evaluation(Slot& slot, const wire::Update& update) {
  Device& device = device_at(slot.device_index);
  const wire::Evaluation& part = update.evaluation;
  if (!rounds::is_plausible(part, {slot.task_count, evaluation_query_samples(config_.experiment)})) {
    count(wire::Refusal::kMalformed);
    reply(device, update.id, wire::Verdict::kRefused, wire::Refusal::kMalformed, 0);
    settle_without_update(slot, EventKind::kMissing, wire::Refusal::kMalformed);
    return;
  }
  rounds::add(part, evaluation_record_.total);
  ++evaluation_record_.devices;
  reply(device, update.id, wire::Verdict::kAccepted, wire::Refusal::kNone, 0);
  settle(slot, wire::Refusal::kNone);
}

// ---- slots ----------------------------------------------------------------------------------------------------------

std::uint32_t Coordinator::slot_number(const Slot& slot) const {
  return static_cast<std::uint32_t>(&slot - slots_.data());
}

/// @param[in] verdict  what the device is told when it asks again; kNone: that its answer was taken.
void Coordinator::settle(Slot& slot, wire::Refusal verdict) {
  Device& device = device_at(slot.device_index);
  device.has_settled = true;
  device.settled = {config_.run, rounds_done_, slot.attempt};
  device.verdict = verdict;
  slot.open = false;
  slot.assembly.reset();  // its bytes are not needed any more, and there are many slots
}

void Coordinator::settle_without_update(Slot& slot, EventKind kind, wire::Refusal reason) {
  record({rounds_done_, kind, slot_number(slot), slot.device_index, slot.attempt, reason,
          device_at(slot.device_index).id});
  settle(slot, reason);
}

void Coordinator::record(TranscriptEvent event) { actions_.emplace_back(CommitEvent{std::move(event)}); }

void Coordinator::give_to(Slot& slot, std::uint32_t device_index, wire::Refusal reason, const std::string& who) {
  slot.device_index = device_index;
  ++slot.attempt;
  slot.sends = 0;
  ++round_record_.replaced;
  record({rounds_done_, EventKind::kReplaced, slot_number(slot), slot.device_index, slot.attempt, reason, who});
}

/// The only hope of a round is revoked and will never answer: the first of the order that is not takes its place, who
/// was passed over or did not answer and may yet.
/// @returns false when the slot's device may still be asked, or nobody may.
bool Coordinator::pass_on(Slot& slot, wire::Refusal reason, const std::string& who, std::uint64_t now_ms) {
  if (!is_revoked(device_at(slot.device_index).id)) return false;
  for (std::uint32_t position = 0; position < membership_.training.size(); ++position) {
    const std::uint32_t candidate =
        rounds::cohort_device(config_.experiment.seed, rounds_done_, membership_.training, position);
    if (is_revoked(device_at(candidate).id)) continue;
    give_to(slot, candidate, reason, who);
    if (is_offline(candidate)) return false;
    send_task(slot, now_ms);
    return true;
  }
  return false;
}

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
  slot.assembly.reset();
  slot.forgot = false;
  while (next_position_ < membership_.training.size()) {
    give_to(slot, rounds::cohort_device(config_.experiment.seed, rounds_done_, membership_.training, next_position_++),
            reason, who);
    if (is_offline(slot.device_index)) continue;
    send_task(slot, now_ms);
    return;
  }
  const auto others_open =
      std::count_if(slots_.begin(), slots_.end(), [](const Slot& other) { return other.open; }) > 1;
  if (aggregator_.updates() > 0 || others_open) {
    record({rounds_done_, EventKind::kDropped, slot_number(slot), slot.device_index, slot.attempt, reason, who});
    slot.open = false;
  } else if (!pass_on(slot, reason, who, now_ms)) {
    // Asked again after a pause, so that a device that refuses at once does not keep both of us busy.
    put_off_resend(slot, now_ms);
    ++slot.sends;
  }
}

void Coordinator::on_time(std::uint64_t now_ms) {
  settle_waiting();
  if (now_ms < wake_ms_) return;
  send_probes(now_ms);
  for (Slot& slot : slots_) {
    if (!slot.open) continue;
    if (now_ms >= slot.deadline_ms) {
      note_silence(slot, now_ms);
      replace(slot, wire::Refusal::kLate, "no answer in time", now_ms);
    } else if (now_ms >= slot.offline_ms) {
      replace(slot, wire::Refusal::kNone, "offline", now_ms);
    } else if (now_ms >= slot.resend_ms) {
      send_task(slot, now_ms, Sending::kReminder);
    }
  }
  if (slots_.empty()) {
    update_wake();
  } else {
    close_if_settled(now_ms);
  }
}

}  // namespace skink::coordinator
