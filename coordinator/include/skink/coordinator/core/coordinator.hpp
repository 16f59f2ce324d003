#pragma once
/// @file
/// The coordinator's side of a run as a state machine without I/O: messages and time go in, actions come out, in an
/// order that the driver must keep. Real transports, the simulator and tests drive the same object.
///
/// Phases: wait for the fleet -> freeze the roster -> evaluate -> (round, [evaluate])* -> finished. Rounds are
/// synchronous. Whatever must survive a crash is a Commit action, which stands before the publications it permits: a
/// driver that commits before it publishes can be killed at any moment and loses nothing.
///
/// Complete changes wait and are decoded together, on the workers that a driver lends: at the latest when
/// take_actions() is called, or a message comes that can tell the difference. So the actions are the same, in the same
/// order, however many messages go in between two calls of take_actions(); what the accessors say may lag until then.
///
/// Not thread-safe. `now_ms` is any monotonic clock.

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "skink/common/codec/decoder.hpp"
#include "skink/common/model/model_file.hpp"
#include "skink/common/wire/messages.hpp"
#include "skink/common/wire/topics.hpp"
#include "skink/coordinator/core/presence.hpp"
#include "skink/coordinator/core/revoked_ids.hpp"
#include "skink/coordinator/core/run_snapshot.hpp"
#include "skink/coordinator/core/update_assembly.hpp"
#include "skink/host/experiment/experiment.hpp"
#include "skink/rounds/aggregator.hpp"
#include "skink/rounds/cohort.hpp"
#include "skink/rounds/downlink.hpp"
#include "skink/rounds/executor.hpp"
#include "skink/rounds/records.hpp"
#include "skink/rounds/strategy.hpp"

namespace skink::coordinator {

struct Publish {
  wire::TopicKind topic = wire::TopicKind::kTask;
  std::string device_id;    ///< task, reply
  std::uint32_t slot = 0;   ///< model
  std::uint32_t chunk = 0;  ///< model
  std::vector<std::uint8_t> payload;
  bool retain = false;
};

/// Each must be durable before any later action is carried out.
struct CommitRoster {
  std::vector<std::string> roster;
};
struct CommitEvent {
  TranscriptEvent event;
};
struct CommitRound {
  rounds::RoundRecord record;
  std::vector<std::uint8_t> model;  ///< .skm after the round
  rounds::Patch patch;              ///< of the round; no base: there is none that is worth keeping
  std::uint32_t first_patch = 0;    ///< patches of earlier rounds are needed no more
  std::vector<float> residual;      ///< Downlink::residual()
};
struct CommitEvaluation {
  rounds::EvaluationRecord record;
};
struct CommitFinished {};

using Action = std::variant<Publish, CommitRoster, CommitEvent, CommitRound, CommitEvaluation, CommitFinished>;

enum class Phase { kWaitingForFleet, kEvaluating, kTraining, kFinished };

/// A device came, went, or fell silent.
struct DeviceNews {
  std::string id;
  bool online = false;
  wire::State birth{};  ///< when it is online
};

/// A change that was taken into a round's sum. Borrowed for the call.
struct TakenUpdate {
  wire::RoundId id;
  std::uint32_t device_index = 0;
  std::string_view device_id;
  std::uint32_t support_samples = 0;
  Bytes change;  ///< as the device encoded it
};

struct CoordinatorConfig {
  Experiment experiment;
  crypto::Key master_key;
  std::string fleet;        ///< its name: device keys follow from it and the master key
  std::uint64_t nonce = 0;  ///< differs from that of every other process that led this fleet (PresenceBook)
  std::uint64_t run = 1;
  /// Replay: the roster is fixed from the start and nobody waits for devices to be born.
  bool replay = false;
  rounds::Executor executor;  ///< checks, decodes and adds up updates; default: the caller's thread
};

class Coordinator {
 public:
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};

  /// A new run, or with a snapshot the continuation (or replay) of one.
  /// @throws std::runtime_error when the snapshot's model does not belong to the experiment.
  explicit Coordinator(CoordinatorConfig config, const RunSnapshot* snapshot = nullptr);
  ~Coordinator();
  Coordinator(const Coordinator&) = delete;
  Coordinator& operator=(const Coordinator&) = delete;

  /// Connected (again): whatever is open is published again.
  void on_connected(std::uint64_t now_ms);
  /// The broker keeps nothing of this run any more, until something is published again. For a driver that stops.
  void withdraw();
  /// Is this chunk one that a broker keeps for this run now?
  bool publishes(std::uint32_t slot, std::uint32_t chunk) const;
  /// The broker is away: time stands still for open rounds until on_connected().
  void on_disconnected();
  /// Any bytes on a device's topics. What is not authentic costs no memory.
  void on_state(std::string_view device_id, Bytes message, std::uint64_t now_ms);
  void on_update(std::string_view device_id, Bytes message, std::uint64_t now_ms);
  /// The same as one after the other, but their authentication codes are checked on the lent workers.
  struct Message {
    std::string_view device_id;
    Bytes bytes;
  };
  void on_updates(Span<const Message> messages, std::uint64_t now_ms);
  void on_time(std::uint64_t now_ms);
  /// Called for every change that is taken, in order of arrival; before the round's result is committed, so after a
  /// restart perhaps twice.
  void observe_updates(std::function<void(const TakenUpdate&)> observer) { on_taken_ = std::move(observer); }
  /// These devices are out for good, from now on: whatever they send is counted as kRevoked and not looked at, and they
  /// are asked for nothing. At any time, the first thing after construction included; known ids change nothing. A
  /// replay takes no notice, as the transcript has what came of it.
  void revoke(const RevokedIds& ids, std::uint64_t now_ms);
  bool is_revoked(std::string_view device_id) const { return revoked_.find(device_id) != revoked_.end(); }
  std::uint64_t next_wake_ms() const { return wake_ms_; }

  /// What to do now, in order; empties the list.
  std::vector<Action> take_actions();

  Phase phase() const { return phase_; }
  std::uint32_t rounds_done() const { return rounds_done_; }
  /// Those that answered a challenge and were not heard to go since.
  std::size_t devices_online() const { return presence_.online(); }
  /// Those that announced themselves, perhaps long ago, and have not answered yet.
  std::size_t devices_unconfirmed() const { return presence_.unconfirmed(); }
  /// What happened to devices since the last call, oldest first.
  std::vector<DeviceNews> take_device_news() { return std::exchange(news_, {}); }
  const Experiment& experiment() const { return config_.experiment; }
  const model::Model& model() const { return model_; }
  const std::vector<float>& parameters() const { return parameters_; }
  const crypto::Digest& model_digest() const { return digest_; }
  const std::vector<std::uint8_t>& model_file() const { return model_file_; }
  const std::vector<std::string>& roster() const { return roster_; }
  const rounds::Membership& membership() const { return membership_; }
  const std::vector<rounds::EvaluationRecord>& evaluations() const { return evaluations_; }
  const rounds::Traffic& traffic() const { return traffic_; }
  std::uint64_t run() const { return config_.run; }
  /// Updates and births refused, by reason.
  const std::array<std::uint64_t, wire::kRefusalCount>& refused() const { return refused_; }

 private:
  struct Device {
    std::string id;
    crypto::Key key;
    Presence presence;
    bool reported_late_join = false;
    bool has_model = false;  ///< was sent a task for `model_sent`
    crypto::Digest model_sent;
    bool has_base = false;  ///< has `base`, as far as we know: it said so, or has worked with it
    crypto::Digest base;
    bool has_settled = false;  ///< `settled` is the last update that was taken or refused for good, with `verdict`
    wire::RoundId settled;
    wire::Refusal verdict = wire::Refusal::kNone;  ///< kNone: it was taken
    bool was_told_off = false;                     ///< `unexpected` was answered
    wire::RoundId unexpected;
    std::uint32_t accepted_round = 0;  ///< 1 + the last finished round that took its update; error feedback
  };
  /// One place in a cohort, or one held-out device of an evaluation.
  struct Slot {
    std::uint32_t device_index = 0;
    std::uint32_t attempt = 0;
    std::uint32_t first_task = 0;
    std::uint32_t task_count = 0;
    bool open = false;
    bool waits = false;               ///< its change is complete and in waiting_
    bool taken = false;               ///< its update is in the sum
    bool forgot = false;              ///< error feedback: its device begins with zeros
    std::uint32_t known_samples = 0;  ///< a replay: what the stored transcript says of its support samples; 0: nothing
    std::uint32_t sends = 0;          ///< how often its task was published
    std::uint64_t deadline_ms = 0;
    std::uint64_t resend_ms = 0;
    std::uint64_t offline_ms = kNever;  ///< when to give an offline device up
    UpdateAssembly assembly;
  };
  /// What a message of a known device says, if it is authentic.
  struct Opened {
    Status status = Status::kUnavailable;
    wire::Update update;
    Bytes payload;
  };
  /// A complete change, but for its bytes, which stay in the slot's assembly.
  struct Waiting {
    std::uint32_t slot = 0;
    wire::RoundId id;
    std::uint32_t support_samples = 0;
    std::uint32_t residual_round = 0;
    std::uint64_t now_ms = 0;  ///< when its last chunk came
  };

  void restore(const RunSnapshot& snapshot);
  void restore_accepted_rounds();
  void rebuild_model();
  void step();
  Device& device_of(std::string_view id);
  crypto::Key key_of(std::string_view id) const;
  void take_will(std::string_view id, std::uint64_t now_ms);
  void take_birth(Device& device, const wire::State& state, std::uint64_t now_ms);
  void send_probes(std::uint64_t now_ms);
  void note_gone(Device& device, std::uint64_t now_ms);
  Device& device_at(std::uint32_t index) { return *roster_devices_[index]; }
  void freeze_roster(std::uint64_t now_ms);
  void adopt_roster();
  void advance(std::uint64_t now_ms);
  std::uint32_t model_slot() const { return wire::model_slot(rounds_done_); }
  std::uint32_t evaluation_tasks() const;
  bool evaluation_is_due() const;
  void open_evaluation(std::uint64_t now_ms);
  void close_evaluation();
  void open_round(std::uint64_t now_ms);
  void open_slots();
  std::uint32_t residual_round_of(const Slot& slot) {
    return slot.forgot ? 0 : device_at(slot.device_index).accepted_round;
  }
  void apply_past_events();
  void close_round(std::uint64_t now_ms);
  void finish();
  void publish_model();
  void clear_slot(std::uint32_t slot);
  /// What a message about a task is sent for.
  enum class Sending { kFirst, kReminder };
  void send_task(Slot& slot, std::uint64_t now_ms, Sending sending = Sending::kFirst);
  void publish_patches(const Device& device, const std::vector<std::uint8_t>& chain);
  void note_model(Device& device, std::uint64_t prefix);
  std::uint64_t resend_wait(std::uint32_t sends) const;
  void put_off_resend(Slot& slot, std::uint64_t now_ms) const;
  void reply(Device& device, const wire::RoundId& id, wire::Verdict verdict, wire::Refusal reason, std::uint32_t chunk);
  Opened open(const Message& message) const;
  void take_update(const Message& message, const Opened& opened, std::uint64_t now_ms);
  void take_report(Slot& slot, const wire::Update& update, Bytes payload, std::uint64_t now_ms);
  void take_change(Slot& slot, const wire::Update& update, Bytes payload, std::uint64_t now_ms);
  void refuse_change(Slot& slot, const wire::RoundId& id, wire::Refusal reason, std::uint64_t now_ms);
  void settle_waiting();
  void settle_change(const Waiting& change, wire::Refusal refusal);
  void take_evaluation(Slot& slot, const wire::Update& update);
  void note_samples(const Slot& slot, std::uint32_t support_samples);
  void settle(Slot& slot, wire::Refusal verdict);
  void settle_without_update(Slot& slot, EventKind kind, wire::Refusal reason);
  std::uint32_t slot_number(const Slot& slot) const;
  /// When an offline device has been away for too long.
  std::uint64_t given_up_ms(const Device& device) const {
    return device.presence.offline_since_ms + config_.experiment.fleet.offline_ms;
  }
  bool is_offline(std::uint32_t device_index) {
    const Device& device = device_at(device_index);
    return is_revoked(device.id) || (device.presence.seen && !device.presence.online);
  }
  void give_to(Slot& slot, std::uint32_t device_index, wire::Refusal reason, const std::string& who);
  bool pass_on(Slot& slot, wire::Refusal reason, const std::string& who, std::uint64_t now_ms);
  void replace(Slot& slot, wire::Refusal reason, const std::string& detail, std::uint64_t now_ms);
  void record(TranscriptEvent event);
  void count(wire::Refusal reason) { ++refused_[static_cast<std::size_t>(reason)]; }
  Slot* open_slot_of(const Device& device);
  void answer_unexpected(Device& device, const wire::Update& update);
  void refuse_unreadable(Device& device, std::uint64_t now_ms);
  void note_silence(const Slot& slot, std::uint64_t now_ms);
  void update_wake();
  bool all_settled() const;
  bool all_wait() const;
  void close_if_settled(std::uint64_t now_ms);

  CoordinatorConfig config_;
  std::function<void(const TakenUpdate&)> on_taken_;
  std::unique_ptr<rounds::Strategy> strategy_;
  codec::Codec codec_;
  std::size_t longest_update_ = 0;
  model::Model model_;
  std::vector<float> parameters_;
  std::vector<std::uint8_t> model_file_;
  crypto::Digest digest_;
  bool model_published_ = false;
  rounds::Aggregator aggregator_;
  rounds::Downlink downlink_;
  rounds::PatchBook patches_;

  RevokedIds revoked_;
  std::map<std::string, Device, std::less<>> devices_;  // node-based: pointers stay valid
  std::vector<std::string> roster_;
  std::vector<Device*> roster_devices_;
  rounds::Membership membership_;
  std::vector<TranscriptEvent> past_events_;  // of a resumed or replayed run, by round
  PresenceBook presence_;
  std::vector<DeviceNews> news_;

  Phase phase_ = Phase::kWaitingForFleet;
  std::uint32_t rounds_done_ = 0;
  bool connected_ = false;
  std::vector<Slot> slots_;
  std::vector<Waiting> waiting_;  // in order of arrival; some other slot is open, or they would be settled
  std::uint32_t next_position_ = 0;
  rounds::RoundRecord round_record_;
  rounds::EvaluationRecord evaluation_record_;
  std::uint64_t round_started_ms_ = 0;
  std::uint64_t wake_ms_ = kNever;
  std::vector<rounds::EvaluationRecord> evaluations_;
  rounds::Traffic traffic_;
  std::array<std::uint64_t, wire::kRefusalCount> refused_{};
  std::vector<Action> actions_;
};

}  // namespace skink::coordinator
