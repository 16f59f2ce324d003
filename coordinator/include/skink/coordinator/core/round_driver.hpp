#pragma once
/// @file
/// Carries one round or evaluation through: asks the devices that have a slot, takes what they answer, gives a slot to
/// the next device when one fails, and records all that a replay could not know. docs/protocol.md, section 4. What
/// comes before and after it is the Coordinator's.

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "skink/coordinator/core/device_book.hpp"
#include "skink/coordinator/core/outbox.hpp"
#include "skink/coordinator/core/round_timing.hpp"
#include "skink/coordinator/core/slot_book.hpp"
#include "skink/coordinator/core/update_intake.hpp"
#include "skink/rounds/records.hpp"
#include "skink/rounds/strategy.hpp"

namespace skink::coordinator {

/// A change that was taken into a round's sum. Borrowed for the call.
struct TakenUpdate {
  wire::RoundId id;
  std::uint32_t device_index = 0;
  std::string_view device_id;
  std::uint32_t support_samples = 0;
  double norm = 0;   ///< of it, if changes are clipped
  double bound = 0;  ///< what it was clipped to
  Bytes change;      ///< as the device encoded it
};

/// Whether a run is computed for the first time, with devices that may be away, or again from its transcript.
enum class RunMode { kLive, kReplay };

/// What a round left for the model: its sum and its record, but for what the Coordinator knows (model, traffic).
struct RoundOutcome {
  rounds::RoundRecord record;
  std::vector<std::int64_t> sums;  ///< [P], units of 2^-36
  std::uint32_t longer = 0;        ///< changes in it whose norm is above the usual one
};

/// One round or evaluation at a time; the next is opened after the last was closed.
class RoundDriver {
 public:
  /// Borrows all of them.
  struct Parts {
    const Experiment& experiment;
    const rounds::Strategy& strategy;
    const rounds::MetaModel& model;
    DeviceBook& devices;
    Outbox& outbox;
    RefusalCounts& refused;
  };
  /// @param[in] executor  checks, decodes and adds up updates
  /// @throws std::runtime_error when the experiment names a codec that does not exist.
  RoundDriver(const Parts& parts, std::uint64_t run, RunMode mode, rounds::Executor executor);

  /// When a run is continued or replayed. Whose updates the finished rounds took follows from cohorts and transcript.
  /// @param[in] events  the stored transcript, by ascending round
  void restore(std::uint64_t run, std::vector<TranscriptEvent> events, std::uint32_t rounds_done);

  /// Asks all that have a slot. Nothing may be open, and the roster must be frozen. It may be over at once.
  void open_round(std::uint32_t round, std::uint64_t now_ms);
  void open_evaluation(std::uint32_t rounds_done, std::uint64_t now_ms);
  /// Nothing is open: neither round nor evaluation.
  bool is_idle() const { return slots_.is_empty(); }
  /// Everything is settled; close_round() or close_evaluation() is due.
  bool is_over() const { return !slots_.is_empty() && slots_.open_count() == 0; }
  bool is_evaluation() const { return is_evaluation_; }
  RoundOutcome close_round(std::uint64_t now_ms);
  rounds::EvaluationRecord close_evaluation();
  /// Of the open round, if there is one; of the last that was closed.
  const RoundTiming& timing() const { return timing_; }
  const RoundTiming& last_timing() const { return last_timing_; }

  /// Evaluations of this run compare devices: each computes its own tasks, or they are left out.
  void keep_shares() { hands_on_ = false; }

  // ---- what happens to devices. After each, whether the round is over is asked with is_over().

  /// Updates of devices, authentic or not, in order.
  void on_update(const UpdateMessage& message, const OpenedUpdate& opened, std::uint64_t now_ms);
  std::vector<OpenedUpdate> open(Span<const UpdateMessage> messages) const { return intake_.open(messages, devices_); }
  /// It is there, now: it gets its open task.
  void on_birth(const KnownDevice& device, std::uint64_t now_ms);
  /// Its last will came: it is waited for until `fleet.offline_ms`.
  void on_gone(const KnownDevice& device);
  void on_revoked(const KnownDevice& device, std::uint64_t now_ms);
  void on_excluded(const KnownDevice& device, std::uint64_t now_ms);
  /// The run goes on under another number: what is open is asked anew.
  void renumber(std::uint64_t run, std::uint64_t now_ms);
  /// The coordinator has connected again: time stood still, and tasks may have been lost.
  void on_connected(std::uint64_t now_ms);
  void on_time(std::uint64_t now_ms);
  /// Decodes what waits, all of it at once. Before anybody may see the result, and before anything else is decided.
  void settle_waiting();
  /// When nothing is open but what waits for being decoded, so that nothing more can come.
  void settle_if_all_wait();
  std::uint64_t wake_ms() const { return slots_.wake_ms(); }

  /// Called for every change that is taken, in order of arrival; before the round's result is committed.
  void observe_updates(std::function<void(const TakenUpdate&)> observer) { on_taken_ = std::move(observer); }

 private:
  KnownDevice& device_of(const Slot& slot) { return devices_.at(slot.device_index); }
  Slot* open_slot_of(const KnownDevice& device);
  void open_slots(std::uint32_t round);
  std::uint32_t residual_round_of(const Slot& slot) { return slot.forgot ? 0 : device_of(slot).accepted_round; }
  std::uint64_t given_up_ms(const KnownDevice& device) const {
    const FleetConfig& fleet = experiment_.fleet;  // whoever is expected has to connect first, and hear a challenge
    const std::uint32_t wait_ms =
        DeviceBook::is_expected(device) ? std::max(fleet.offline_ms, fleet.deadline_ms / 2) : fleet.offline_ms;
    return devices_.away_since_ms(device) + wait_ms;
  }
  void send_task(Slot& slot, std::uint64_t now_ms, TaskRequest::Sending sending = TaskRequest::Sending::kFirst);
  void answer(const Slot& slot, wire::Verdict verdict, wire::Refusal reason, std::uint32_t chunk = 0);
  void answer_unexpected(KnownDevice& device, const wire::Update& update);
  void refuse_unreadable(KnownDevice& device, std::uint64_t now_ms);
  void take_expected(Slot& slot, const wire::Update& update, Bytes payload, std::uint64_t now_ms);
  void take_change(Slot& slot, const wire::Update& update, Bytes payload, std::uint64_t now_ms);
  void take_evaluation(Slot& slot, const wire::Update& update, std::uint64_t now_ms);
  void miss(Slot& slot, wire::Refusal reason, std::uint64_t now_ms);
  void hand_on_orphans(std::uint64_t now_ms);
  std::optional<std::uint32_t> idle_held_out(std::uint64_t now_ms);
  void refuse(Slot& slot, wire::Refusal reason, const std::string& detail, std::uint64_t now_ms);
  void settle_change(const CompleteChange& change);
  void settle(Slot& slot, wire::Refusal verdict);
  void settle_without_update(Slot& slot, EventKind kind, wire::Refusal reason);
  void note_samples(const Slot& slot, std::uint32_t support_samples);
  std::string note_silence(const Slot& slot, std::uint64_t now_ms);
  std::string away_text(const KnownDevice& device, std::uint64_t now_ms) const;
  void give_time(Slot& slot, const KnownDevice& device, std::uint64_t now_ms);
  void replace(Slot& slot, wire::Refusal reason, const std::string& detail, std::uint64_t now_ms);
  void give_to(Slot& slot, std::uint32_t device_index, wire::Refusal reason, const std::string& who,
               std::uint64_t now_ms);
  ParticipantTiming participant(const Slot& slot, Participation outcome = Participation::kOpen,
                                wire::Refusal reason = wire::Refusal::kNone) const;
  bool ask_again_in_order(Slot& slot, wire::Refusal reason, const std::string& who, std::uint64_t now_ms);
  void record(EventKind kind, const Slot& slot, wire::Refusal reason, std::string detail,
              std::uint32_t support_samples = 0);
  void count(wire::Refusal reason) { ++refused_[static_cast<std::size_t>(reason)]; }

  const Experiment& experiment_;
  const rounds::Strategy& strategy_;
  const rounds::MetaModel& model_;
  DeviceBook& devices_;
  Outbox& outbox_;
  RefusalCounts& refused_;
  std::uint64_t run_;
  RunMode mode_;
  std::function<void(const TakenUpdate&)> on_taken_;

  SlotBook slots_;
  UpdateIntake intake_;
  std::vector<TranscriptEvent> past_events_;
  bool is_evaluation_ = false;
  bool hands_on_ = true;
  std::uint32_t round_ = 0;  // the open one; in an evaluation, and while nothing is open, the rounds that are done
  rounds::RoundRecord round_record_;
  rounds::EvaluationRecord evaluation_record_;
  std::set<std::uint32_t> missing_;  // in the open evaluation, by roster index
  std::uint64_t started_ms_ = 0;
  RoundTiming timing_;
  RoundTiming last_timing_;
};

}  // namespace skink::coordinator
