#include "skink/coordinator/core/round_driver.hpp"

#include <algorithm>
#include <utility>

#include "skink/rounds/evaluation_plan.hpp"

namespace skink::coordinator {
namespace {

constexpr const char* kNoSamples = "has no samples";

}  // namespace

RoundDriver::RoundDriver(const Parts& parts, std::uint64_t run, RunMode mode, rounds::Executor executor)
    : experiment_(parts.experiment),
      strategy_(parts.strategy),
      model_(parts.model),
      devices_(parts.devices),
      outbox_(parts.outbox),
      refused_(parts.refused),
      run_(run),
      mode_(mode),
      slots_(parts.experiment),
      intake_(parts.experiment, parts.model.scopes().sent, parts.strategy, std::move(executor)) {}

void RoundDriver::restore(std::uint64_t run, std::vector<TranscriptEvent> events, std::uint32_t rounds_done) {
  run_ = run;
  past_events_ = std::move(events);
  for (std::uint32_t round = 0; round < rounds_done && intake_.codec().error_feedback; ++round) {
    open_slots(round);
    for (const Slot& slot : slots_) {
      if (slot.open) device_of(slot).accepted_round = round + 1;
    }
  }
  slots_.clear();
  round_ = rounds_done;
}

// ---- opening and closing --------------------------------------------------------------------------------------------

/// The cohort, and what a stored transcript says of it.
void RoundDriver::open_slots(std::uint32_t round) {
  round_ = round;
  round_record_ = {};
  round_record_.round = round;
  slots_.open_round(round, devices_.membership().training);
  const auto is_earlier = [](const TranscriptEvent& event, std::uint32_t number) { return event.round < number; };
  auto next = std::lower_bound(past_events_.begin(), past_events_.end(), round, is_earlier);
  for (; next != past_events_.end() && next->round == round; ++next) slots_.apply(*next, round_record_);
}

void RoundDriver::open_round(std::uint32_t round, std::uint64_t now_ms) {
  is_evaluation_ = false;
  started_ms_ = now_ms;
  timing_.open(round, now_ms);
  intake_.begin_round(model_.clip());
  open_slots(round);
  round_record_.meta_learning_rate = strategy_.meta_learning_rate(round);
  for (Slot& slot : slots_) slots_.renew(slot, now_ms);
  if (slots_.open_count() > 0) outbox_.publish_model();
  for (Slot& slot : slots_) {
    if (!slot.open) continue;
    const KnownDevice& device = device_of(slot);
    if (devices_.is_revoked(device.id)) {
      replace(slot, wire::Refusal::kRevoked, "revoked", now_ms);
    } else if (mode_ == RunMode::kLive && devices_.is_away(device, now_ms)) {
      slot.resend_ms = Slot::kNever;  // its birth brings it the task
      give_time(slot, device, now_ms);
      if (now_ms >= slot.offline_ms) replace(slot, wire::Refusal::kNone, away_text(device, now_ms), now_ms);
    } else {
      give_time(slot, device, now_ms);
      if (now_ms >= slot.offline_ms) {
        replace(slot, wire::Refusal::kNone, away_text(device, now_ms), now_ms);
      } else {
        send_task(slot, now_ms);
      }
    }
  }
}

void RoundDriver::open_evaluation(std::uint32_t rounds_done, std::uint64_t now_ms) {
  is_evaluation_ = true;
  round_ = rounds_done;
  evaluation_record_ = {};
  evaluation_record_.rounds = rounds_done;
  missing_.clear();
  slots_.open_evaluation(rounds_done, devices_.membership().held_out, now_ms);
  const auto is_revoked = [&](const Slot& slot) { return devices_.is_revoked(device_of(slot).id); };
  if (std::any_of(slots_.begin(), slots_.end(), [&](const Slot& slot) { return slot.open && !is_revoked(slot); })) {
    outbox_.publish_model();
  }
  for (Slot& slot : slots_) {
    if (!slot.open) continue;
    give_time(slot, device_of(slot), now_ms);
    if (is_revoked(slot)) {
      miss(slot, wire::Refusal::kRevoked, now_ms);
    } else if (mode_ == RunMode::kLive && !device_of(slot).has_samples) {
      miss(slot, wire::Refusal::kNoData, now_ms);
    } else {
      send_task(slot, now_ms);
    }
  }
}

RoundOutcome RoundDriver::close_round(std::uint64_t now_ms) {
  for (const Slot& slot : slots_) {
    if (slot.taken) device_of(slot).accepted_round = round_ + 1;
  }
  round_record_.updates = intake_.sum().updates();
  round_record_.total_weight = intake_.sum().total_weight();
  round_record_.duration_ms = now_ms - started_ms_;
  timing_.close(now_ms);
  std::swap(timing_, last_timing_);
  timing_.clear();
  slots_.clear();
  ++round_;
  return {round_record_, intake_.sum().sums(), intake_.sum().longer()};
}

rounds::EvaluationRecord RoundDriver::close_evaluation() {
  slots_.clear();
  auto& reports = evaluation_record_.reports;
  std::sort(reports.begin(), reports.end(),
            [](const auto& a, const auto& b) { return a.device_index < b.device_index; });
  return std::move(evaluation_record_);
}

// ---- devices that come and go ---------------------------------------------------------------------------------------

Slot* RoundDriver::open_slot_of(const KnownDevice& device) {
  const auto index = devices_.index_of(device.id);
  return index ? slots_.open_slot_of(*index) : nullptr;
}

void RoundDriver::on_birth(const KnownDevice& device, std::uint64_t now_ms) {
  Slot* slot = open_slot_of(device);
  if (slot == nullptr) {
    if (is_evaluation_) hand_on_orphans(now_ms);
    return;
  }
  if (!device.has_samples) {
    replace(*slot, wire::Refusal::kNone, kNoSamples, now_ms);
    return;
  }
  slot->offline_ms = Slot::kNever;
  send_task(*slot, now_ms);
}

void RoundDriver::on_gone(const KnownDevice& device) {
  Slot* slot = open_slot_of(device);
  if (slot != nullptr) slot->offline_ms = given_up_ms(device);
}

void RoundDriver::on_revoked(const KnownDevice& device, std::uint64_t now_ms) {
  Slot* slot = open_slot_of(device);
  if (slot != nullptr) replace(*slot, wire::Refusal::kRevoked, "revoked", now_ms);
}

void RoundDriver::on_excluded(const KnownDevice& device, std::uint64_t now_ms) {
  Slot* slot = open_slot_of(device);
  if (slot != nullptr) replace(*slot, wire::Refusal::kNone, "excluded by the operator", now_ms);
}

void RoundDriver::on_connected(std::uint64_t now_ms) {
  for (Slot& slot : slots_) {
    if (!slot.open) continue;
    slot.deadline_ms = now_ms + experiment_.fleet.deadline_ms;  // nobody could answer while we were away
    slot.offline_ms = Slot::kNever;
    KnownDevice& device = device_of(slot);
    if (!device.presence.online) {  // nobody could come back either
      device.presence.offline_since_ms = std::max(device.presence.offline_since_ms, now_ms);
    }
    give_time(slot, device, now_ms);
    send_task(slot, now_ms);
  }
}

void RoundDriver::renumber(std::uint64_t run, std::uint64_t now_ms) {
  settle_waiting();
  run_ = run;
  for (Slot& slot : slots_) {
    if (!slot.open) continue;
    slots_.renew(slot, now_ms);
    give_time(slot, device_of(slot), now_ms);
    slot.sends = 0;
    send_task(slot, now_ms);
  }
}

void RoundDriver::on_time(std::uint64_t now_ms) {
  for (Slot& slot : slots_) {
    if (!slot.open) continue;
    if (now_ms >= slot.deadline_ms) {
      replace(slot, wire::Refusal::kLate, note_silence(slot, now_ms), now_ms);
    } else if (now_ms >= slot.offline_ms) {
      replace(slot, wire::Refusal::kNone, away_text(device_of(slot), now_ms), now_ms);
    } else if (now_ms >= slot.resend_ms) {
      send_task(slot, now_ms, TaskRequest::Sending::kReminder);
    }
  }
}

/// A device of which nothing was heard all the time may be gone, whatever the broker says: it is not asked again before
/// it answers a challenge. It rests in any case, so that one which never gets ready does not cost a deadline each time.
/// @returns what happened, for people.
std::string RoundDriver::note_silence(const Slot& slot, std::uint64_t now_ms) {
  if (mode_ == RunMode::kReplay) return "no answer in time";
  KnownDevice& device = device_of(slot);
  const bool is_silent = slot.assembly.next_chunk() == 0;
  if (is_silent) devices_.on_silence(device, now_ms);
  const std::uint64_t rest_ms = devices_.on_miss(device, experiment_.fleet.deadline_ms, now_ms);
  std::string text = is_silent ? "no answer in time" : "not ready in time";
  text.append("; not asked again for ").append(std::to_string((rest_ms + 999) / 1000)).append(" s");
  return text;
}

std::string RoundDriver::away_text(const KnownDevice& device, std::uint64_t now_ms) const {
  if (devices_.is_excluded(device.id)) return "excluded by the operator";
  if (!device.has_samples) return kNoSamples;
  if (now_ms >= device.rests_until_ms) return "offline";
  std::string text = "at rest after ";
  text.append(std::to_string(device.misses)).append(" missed deadlines");
  return text;
}

/// Until when a device that nothing says is there may come back.
void RoundDriver::give_time(Slot& slot, const KnownDevice& device, std::uint64_t now_ms) {
  if (mode_ == RunMode::kReplay) return;
  if (now_ms < device.rests_until_ms || devices_.is_excluded(device.id) || !device.has_samples) {
    slot.offline_ms = now_ms;
  } else if (!device.presence.online) {
    slot.offline_ms = given_up_ms(device);
  }
}

void RoundDriver::send_task(Slot& slot, std::uint64_t now_ms, TaskRequest::Sending sending) {
  KnownDevice& device = device_of(slot);
  if (devices_.is_barred(device)) {  // every device that could be asked is: the round waits for the operator
    slot.resend_ms = Slot::kNever;
    return;
  }
  TaskRequest request;
  request.id = {run_, round_, slot.attempt};
  request.kind = is_evaluation_ ? wire::TaskKind::kEvaluate : wire::TaskKind::kAdapt;
  request.sending = sending;
  request.device_index = slot.device_index;
  request.loop = is_evaluation_ ? rounds::evaluation_loop(experiment_) : strategy_.inner_loop();
  if (intake_.codec().error_feedback) request.accepted_round = residual_round_of(slot);
  request.time_left_ms = slot.deadline_ms > now_ms ? slot.deadline_ms - now_ms : 0;
  request.first_task = slot.first_task;
  request.task_count = slot.task_count;
  request.task_step = slot.task_step;
  outbox_.send_task(device, request);
  timing_.note_asked(participant(slot), now_ms);
  slots_.put_off_resend(slot, now_ms);
  ++slot.sends;
}

void RoundDriver::answer(const Slot& slot, wire::Verdict verdict, wire::Refusal reason, std::uint32_t chunk) {
  outbox_.reply(device_of(slot), {run_, round_, slot.attempt}, verdict, reason, chunk);
}

// ---- what becomes of a slot -----------------------------------------------------------------------------------------

/// @param[in] verdict  what the device is told when it asks again; kNone: that its answer was taken.
void RoundDriver::settle(Slot& slot, wire::Refusal verdict) {
  device_of(slot).settled = SettledUpdate{{run_, round_, slot.attempt}, verdict};
  slot.open = false;
  slot.assembly.reset();  // its bytes are not needed any more, and there are many slots
}

void RoundDriver::settle_without_update(Slot& slot, EventKind kind, wire::Refusal reason) {
  record(kind, slot, reason, device_of(slot).id);
  settle(slot, reason);
}

void RoundDriver::record(EventKind kind, const Slot& slot, wire::Refusal reason, std::string detail,
                         std::uint32_t support_samples) {
  outbox_.record({round_, kind, slots_.number_of(slot), slot.device_index, slot.attempt, reason, std::move(detail),
                  support_samples});
}

ParticipantTiming RoundDriver::participant(const Slot& slot, Participation outcome, wire::Refusal reason) const {
  ParticipantTiming who;
  who.slot = slots_.number_of(slot);
  who.attempt = slot.attempt;
  who.device_index = slot.device_index;
  who.outcome = outcome;
  who.reason = reason;
  return who;
}

void RoundDriver::give_to(Slot& slot, std::uint32_t device_index, wire::Refusal reason, const std::string& who,
                          std::uint64_t now_ms) {
  timing_.note_ended(participant(slot, Participation::kReplaced, reason), now_ms);
  slot.device_index = device_index;
  ++slot.attempt;
  slot.sends = 0;
  ++round_record_.replaced;
  record(EventKind::kReplaced, slot, reason, who);
}

/// Gives a slot to the next device of the round's order. When nobody is left, the slot is dropped if others have
/// answered or may still; otherwise the same device is asked again, since a round without any update teaches nothing.
void RoundDriver::replace(Slot& slot, wire::Refusal reason, const std::string& detail, std::uint64_t now_ms) {
  const std::string who = device_of(slot).id + ": " + detail;
  if (is_evaluation_) return miss(slot, reason, now_ms);
  slots_.renew(slot, now_ms);
  slot.forgot = false;
  while (const auto next = slots_.next_device()) {
    give_to(slot, *next, reason, who, now_ms);
    if (mode_ == RunMode::kLive && devices_.is_away(device_of(slot), now_ms)) continue;
    give_time(slot, device_of(slot), now_ms);
    if (now_ms < slot.offline_ms) {
      send_task(slot, now_ms);
      return;
    }
  }
  slot.offline_ms = Slot::kNever;
  if (slots_.taken_count() > 0 || slots_.open_count() > 1) {
    timing_.note_ended(participant(slot, Participation::kDropped, reason), now_ms);
    record(EventKind::kDropped, slot, reason, who);
    slot.open = false;
  } else if (!ask_again_in_order(slot, reason, who, now_ms)) {
    // Asked again after a pause, so that a device that refuses at once does not keep both of us busy.
    slots_.put_off_resend(slot, now_ms);
    ++slot.sends;
  }
}

/// The last open slot of a round without any update belongs to a revoked or excluded device, which will never answer:
/// it goes to the first device of the round's order that is neither, though it was passed over before, or did not
/// answer.
/// @returns false when the slot's device may still be asked, or nobody may.
bool RoundDriver::ask_again_in_order(Slot& slot, wire::Refusal reason, const std::string& who, std::uint64_t now_ms) {
  if (!devices_.is_barred(device_of(slot))) return false;
  for (std::uint32_t position = 0; position < slots_.positions(); ++position) {
    const std::uint32_t candidate = slots_.device_at(position);
    if (devices_.is_barred(devices_.at(candidate))) continue;
    give_to(slot, candidate, reason, who, now_ms);
    if (devices_.is_away(devices_.at(candidate), now_ms)) return false;
    send_task(slot, now_ms);
    return true;
  }
  return false;
}

}  // namespace skink::coordinator
