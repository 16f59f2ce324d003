/// @file
/// RoundDriver: what devices answer.

#include <utility>

#include "skink/coordinator/core/round_driver.hpp"
#include "skink/rounds/evaluation_plan.hpp"
#include "skink/rounds/evaluation_sums.hpp"

namespace skink::coordinator {
namespace {

/// A coordinator that has started again in an evaluation does not know whose tasks were handed on, under which
/// attempts. Above all of these, so that no device takes another's tasks for those that it had under such an attempt.
void raise_attempt(Slot& slot) {
  constexpr std::uint32_t kMost = 1U << 30U;
  constexpr std::uint32_t kStep = 1U << 16U;
  if (slot.attempt < kMost) slot.attempt += kStep;
}

/// Why a device will not do it, with its two numbers where it gave them.
std::string refusal_detail(const wire::Update& update) {
  std::string text = wire::refusal_text(update.refusal);
  if (update.needed_bytes == 0) return text;
  return text + ", needs " + std::to_string(update.needed_bytes) + " bytes, has " +
         std::to_string(update.available_bytes);
}

}  // namespace

void RoundDriver::on_update(const UpdateMessage& message, const OpenedUpdate& opened, std::uint64_t now_ms) {
  if (devices_.is_revoked(message.device_id)) {
    count(wire::Refusal::kRevoked);
    return;
  }
  KnownDevice* device = devices_.find(message.device_id);
  if (device == nullptr) {
    count(wire::Refusal::kUnknownDevice);
    return;
  }
  if (opened.status == Status::kDamaged) {
    refuse_unreadable(*device, now_ms);
    return;
  }
  if (opened.status != Status::kOk) {
    count(wire::Refusal::kWrongAuthentication);
    return;
  }
  const wire::Update& update = opened.update;
  devices_.on_sign_of_life(*device, now_ms);
  outbox_.traffic().uplink_bytes += message.bytes.size();
  const auto is_expected = [&](const Slot* slot) {
    return slot != nullptr && update.id == wire::RoundId{run_, round_, slot->attempt};
  };
  Slot* slot = open_slot_of(*device);
  const bool is_chunk = !is_evaluation_ && update.outcome == wire::Outcome::kAdapted;
  if (!is_expected(slot) || slot->waits || !is_chunk) {
    settle_waiting();
    slot = open_slot_of(*device);
  }
  if (!is_expected(slot)) {
    answer_unexpected(*device, update);
    return;
  }
  timing_.note_heard(participant(*slot), now_ms);
  outbox_.note_repeated(*device, update);
  if (update.outcome != wire::Outcome::kRefused) device->base = model_.digest();  // it has worked with this model
  take_expected(*slot, update, opened.payload, now_ms);
}

/// Its code is right, so it is the device's, but it does not parse, or lacks what its outcome needs. Which task it
/// answers is not known; the device has at most one.
void RoundDriver::refuse_unreadable(KnownDevice& device, std::uint64_t now_ms) {
  settle_waiting();
  Slot* slot = open_slot_of(device);
  if (slot == nullptr) {
    count(wire::Refusal::kMalformed);
    return;
  }
  refuse(*slot, wire::Refusal::kMalformed, "its update cannot be read", now_ms);
}

/// A device that sends many chunks is answered at the first, so that it stops, and at the last, which it sends again
/// when an answer was lost; not at those between them.
void RoundDriver::answer_unexpected(KnownDevice& device, const wire::Update& update) {
  const wire::RoundId& id = update.id;
  const bool is_last = update.chunk + 1 >= update.chunk_count;
  if (device.settled && device.settled->id == id) {  // our reply was lost, or has not arrived yet
    if (!is_last) return;
    const wire::Refusal verdict = device.settled->verdict;
    const bool was_taken = verdict == wire::Refusal::kNone;
    const wire::Refusal reason = was_taken ? wire::Refusal::kDuplicate : verdict;
    count(reason);
    outbox_.reply(device, id, was_taken ? wire::Verdict::kAccepted : wire::Verdict::kRefused, reason);
    return;
  }
  if (device.unexpected == id && !is_last) return;
  device.unexpected = id;
  const bool is_late = id.run == run_ && id.round <= round_;
  const wire::Refusal reason = is_late ? wire::Refusal::kLate : wire::Refusal::kNotExpected;
  count(reason);
  outbox_.reply(device, id, wire::Verdict::kRefused, reason);
}

void RoundDriver::take_expected(Slot& slot, const wire::Update& update, Bytes payload, std::uint64_t now_ms) {
  device_of(slot).refused = update.refusal;
  if (update.outcome == wire::Outcome::kRefused) {  // the device will not do it: somebody else may
    count(update.refusal);
    answer(slot, wire::Verdict::kAccepted, wire::Refusal::kNone);
    const bool is_ahead = update.refusal == wire::Refusal::kAnotherRun || update.refusal == wire::Refusal::kLowerRound;
    if (is_ahead) {  // its birth says how far, and then it gets the task under a number that it takes
      if (is_evaluation_) raise_attempt(slot);
      devices_.on_silence(device_of(slot), now_ms);
      slot.resend_ms = Slot::kNever;
      give_time(slot, device_of(slot), now_ms);
      return;
    }
    replace(slot, update.refusal, refusal_detail(update), now_ms);
    return;
  }
  if (is_evaluation_ && update.outcome == wire::Outcome::kEvaluated) {
    take_evaluation(slot, update, now_ms);
    return;
  }
  if (!is_evaluation_ && update.outcome == wire::Outcome::kDiverged) {
    answer(slot, wire::Verdict::kAccepted, wire::Refusal::kNone);
    ++round_record_.diverged;
    devices_.on_answer(device_of(slot));
    timing_.note_ended(participant(slot, Participation::kDiverged), now_ms);
    settle_without_update(slot, EventKind::kDiverged, wire::Refusal::kNone);
    return;
  }
  if (!is_evaluation_ && update.outcome == wire::Outcome::kAdapted) {
    take_change(slot, update, payload, now_ms);
    return;
  }
  refuse(slot, wire::Refusal::kMalformed, "another outcome than asked for", now_ms);
}

/// A complete change waits. Before anything is said of this one, what came before it is settled.
void RoundDriver::take_change(Slot& slot, const wire::Update& update, Bytes payload, std::uint64_t now_ms) {
  wire::Refusal reason = wire::Refusal::kNone;
  switch (intake_.take_chunk(slot, slots_.number_of(slot), update, payload, residual_round_of(slot), now_ms, reason)) {
    case UpdateIntake::Taken::kIncomplete: slots_.put_off_resend(slot, now_ms); return;
    case UpdateIntake::Taken::kResend:
      settle_waiting();
      answer(slot, wire::Verdict::kResend, wire::Refusal::kNone, slot.assembly.next_chunk());
      return;
    case UpdateIntake::Taken::kRefused:
      settle_waiting();
      refuse(slot, reason, wire::refusal_text(reason), now_ms);
      return;
    case UpdateIntake::Taken::kKnownGap:
    case UpdateIntake::Taken::kWaits: return;
  }
}

/// Somebody else gets the slot.
void RoundDriver::refuse(Slot& slot, wire::Refusal reason, const std::string& detail, std::uint64_t now_ms) {
  count(reason);
  answer(slot, wire::Verdict::kRefused, reason);
  replace(slot, reason, detail, now_ms);
}

void RoundDriver::settle_if_all_wait() {
  if (slots_.all_wait()) settle_waiting();
}

void RoundDriver::settle_waiting() {
  if (!intake_.is_waiting()) return;
  for (const CompleteChange& change : intake_.decode_waiting(round_, slots_)) settle_change(change);
}

void RoundDriver::settle_change(const CompleteChange& change) {
  Slot& slot = slots_[change.slot];
  if (change.refusal == wire::Refusal::kMalformed) {
    refuse(slot, change.refusal, wire::refusal_text(change.refusal), change.now_ms);
    return;
  }
  if (intake_.codec().error_feedback && change.residual_round == 0 && residual_round_of(slot) != 0) {
    slot.forgot = true;
    record(EventKind::kForgot, slot, wire::Refusal::kNone, device_of(slot).id);
  }
  if (change.refusal !=
      wire::Refusal::kNone) {  // a function of the experiment, like divergence: nobody takes the place
    count(change.refusal);
    ++round_record_.refused;
    timing_.note_ended(participant(slot, Participation::kRefused, change.refusal), change.now_ms);
    answer(slot, wire::Verdict::kRefused, change.refusal);
    settle_without_update(slot, EventKind::kRefused, change.refusal);
    return;
  }
  note_samples(slot, change.support_samples);
  if (on_taken_) {
    on_taken_({change.id, slot.device_index, device_of(slot).id, change.support_samples, change.norm,
               model_.clip().bound, slot.assembly.bytes()});
  }
  slot.taken = true;
  devices_.on_answer(device_of(slot));
  timing_.note_ended(participant(slot, Participation::kTaken), change.now_ms);
  answer(slot, wire::Verdict::kAccepted, wire::Refusal::kNone);
  settle(slot, wire::Refusal::kNone);
}

/// A weight that does not follow from the experiment has to stand in the transcript, or no replay could know it.
void RoundDriver::note_samples(const Slot& slot, std::uint32_t support_samples) {
  const auto expected = static_cast<std::uint32_t>(skink::support_samples(experiment_));
  if (strategy_.aggregation_weight(support_samples) == strategy_.aggregation_weight(expected)) return;
  std::string detail = device_of(slot).id + ": adapted to " + std::to_string(support_samples);
  if (experiment_.task.support_size.is_count()) detail += " of " + std::to_string(expected);
  detail += " samples";
  record(EventKind::kSamples, slot, wire::Refusal::kNone, detail, support_samples);
}

/// A held-out device of this evaluation has failed: its report will be missing. Its tasks need not be.
void RoundDriver::miss(Slot& slot, wire::Refusal reason, std::uint64_t now_ms) {
  missing_.insert(slot.device_index);
  settle_without_update(slot, EventKind::kMissing, reason);
  slot.orphaned = hands_on_ && mode_ == RunMode::kLive && rounds::evaluation_tasks_are_anybodys(experiment_);
  hand_on_orphans(now_ms);
}

/// Gives tasks that have lost their device to held-out ones that have nothing to do, as soon as there is one.
void RoundDriver::hand_on_orphans(std::uint64_t now_ms) {
  for (Slot& slot : slots_) {
    if (!slot.orphaned) continue;
    const auto heir = idle_held_out(now_ms);
    if (!heir) return;
    slot.device_index = *heir;
    const auto& settled = device_of(slot).settled;  // a device takes a task only once under the same numbers
    const bool is_of_now = settled && settled->id.run == run_ && settled->id.round == round_;
    slot.attempt = std::max(slot.attempt, is_of_now ? settled->id.attempt : 0) + 1;
    slot.orphaned = false;
    slot.open = true;
    slot.sends = 0;
    slots_.renew(slot, now_ms);
    send_task(slot, now_ms);
  }
}

std::optional<std::uint32_t> RoundDriver::idle_held_out(std::uint64_t now_ms) {
  for (const std::uint32_t index : devices_.membership().held_out) {
    const KnownDevice& device = devices_.at(index);
    if (missing_.count(index) != 0 || slots_.open_slot_of(index) != nullptr) continue;
    if (!devices_.is_barred(device) && !devices_.is_away(device, now_ms)) return index;
  }
  return std::nullopt;
}

void RoundDriver::take_evaluation(Slot& slot, const wire::Update& update, std::uint64_t now_ms) {
  const wire::Evaluation& report = update.evaluation;
  if (!rounds::is_plausible(report, {slot.task_count, evaluation_query_samples(experiment_)})) {
    count(wire::Refusal::kMalformed);
    answer(slot, wire::Verdict::kRefused, wire::Refusal::kMalformed);
    miss(slot, wire::Refusal::kMalformed, now_ms);
    return;
  }
  rounds::add(report, evaluation_record_.total);
  devices_.on_answer(device_of(slot));
  auto& reports = evaluation_record_.reports;
  const auto first = std::find_if(reports.begin(), reports.end(),
                                  [&](const auto& other) { return other.device_index == slot.device_index; });
  if (first != reports.end()) {  // it has computed somebody else's tasks too
    rounds::add(report, first->sums);
  } else {
    ++evaluation_record_.devices;
    reports.push_back({slot.device_index, report});
  }
  answer(slot, wire::Verdict::kAccepted, wire::Refusal::kNone);
  settle(slot, wire::Refusal::kNone);
  hand_on_orphans(now_ms);
}

}  // namespace skink::coordinator
