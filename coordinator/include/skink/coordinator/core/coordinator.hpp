#pragma once
/// @file
/// The coordinator's side of a run as a state machine without I/O: messages and time go in, actions come out, in an
/// order that the driver must keep (actions.hpp). Real transports, the simulator and tests drive the same object.
///
/// Phases: wait for the fleet -> freeze the roster -> evaluate -> (round, [evaluate])* -> finished. Rounds are
/// synchronous. What a round does is RoundDriver's; what is known of devices is DeviceBook's; what is said is Outbox's.
///
/// Complete changes wait and are decoded together, on the workers that a driver lends: at the latest when
/// take_actions() is called, or a message comes that can tell the difference. So the actions are the same, in the same
/// order, however many messages go in between two calls of take_actions(); what the accessors say may lag until then.
///
/// Not thread-safe. `now_ms` is any monotonic clock.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "skink/common/model/model_file.hpp"
#include "skink/common/wire/messages.hpp"
#include "skink/coordinator/core/actions.hpp"
#include "skink/coordinator/core/device_book.hpp"
#include "skink/coordinator/core/outbox.hpp"
#include "skink/coordinator/core/revoked_ids.hpp"
#include "skink/coordinator/core/round_driver.hpp"
#include "skink/coordinator/core/run_snapshot.hpp"
#include "skink/host/experiment/experiment.hpp"
#include "skink/rounds/executor.hpp"
#include "skink/rounds/meta_model.hpp"
#include "skink/rounds/records.hpp"

namespace skink::coordinator {

/// Where a run stands.
enum class Phase { kWaitingForFleet, kEvaluating, kTraining, kFinished };

/// What a coordinator is made of.
struct CoordinatorConfig {
  Experiment experiment;
  crypto::Key master_key;
  std::string fleet;        ///< its name: device keys follow from it and the master key
  std::uint64_t nonce = 0;  ///< differs from that of every other process that led this fleet (PresenceBook)
  std::uint64_t run = 1;
  RunMode mode = RunMode::kLive;  ///< kReplay: the roster is fixed from the start and nobody waits for devices
  bool evaluates_only = false;    ///< the run is over after its first evaluation, and nobody trains
  /// What is known of the fleet's devices, beyond one run; borrowed. Null: the coordinator has its own.
  DeviceBook* devices = nullptr;
  /// Of each chunk of the model but the last: wire::is_model_chunk_size(), not 0.
  std::uint32_t model_chunk_bytes = wire::kModelChunkBytes;
  rounds::Executor executor;  ///< checks, decodes and adds up updates; default: the caller's thread
};

/// One run. The driver owns it and carries its actions out.
class Coordinator {
 public:
  static constexpr std::uint64_t kNever = Slot::kNever;
  /// A device is not believed when it says that it was in a run whose number, in milliseconds, is a century ahead.
  static constexpr std::uint64_t kMostAhead = 100ULL * 366 * 24 * 60 * 60 * 1000;
  using Message = UpdateMessage;

  /// A new run, or with a snapshot the continuation (or replay) of one.
  /// @throws std::runtime_error when the snapshot does not belong to the experiment, or the experiment names a codec
  /// that
  ///         does not exist.
  explicit Coordinator(CoordinatorConfig config, const RunSnapshot* snapshot = nullptr);
  Coordinator(const Coordinator&) = delete;
  Coordinator& operator=(const Coordinator&) = delete;

  /// Connected (again): whatever is open is published again.
  void on_connected(std::uint64_t now_ms);
  /// Begins (or goes on) on a connection that was there before, with what is known of devices from it.
  void attach(std::uint64_t now_ms);
  /// The broker is away: time stands still for open rounds until on_connected().
  void on_disconnected();
  /// The broker keeps nothing of this run any more, until something is published again. For a driver that stops.
  void withdraw();
  /// Is this chunk one that a broker keeps for this run now?
  bool publishes(std::uint32_t slot, std::uint32_t chunk) const;
  /// Any bytes on a device's topics. What is not authentic costs no memory.
  void on_state(std::string_view device_id, Bytes message, std::uint64_t now_ms);
  void on_update(std::string_view device_id, Bytes message, std::uint64_t now_ms);
  /// The same as one after the other, but their authentication codes are checked on the lent workers.
  void on_updates(Span<const Message> messages, std::uint64_t now_ms);
  /// Time has passed; needed from next_wake_ms() on, harmless earlier.
  void on_time(std::uint64_t now_ms);
  std::uint64_t next_wake_ms() const { return wake_ms_; }
  /// Called for every change that is taken, in order of arrival; before the round's result is committed, so after a
  /// restart perhaps twice.
  void observe_updates(std::function<void(const TakenUpdate&)> observer) {
    driver_.observe_updates(std::move(observer));
  }
  /// These devices are out for good, from now on: whatever they send is counted as kRevoked and not looked at, and they
  /// are asked for nothing. At any time, the first thing after construction included; known ids change nothing. A
  /// replay takes no notice, as the transcript has what came of it.
  void revoke(const RevokedIds& ids, std::uint64_t now_ms);

  /// This device is asked for nothing, from now on, or may be again; it stays what it was otherwise.
  void exclude(const std::string& device_id, bool is_excluded, std::uint64_t now_ms);

  /// What to do now, in order; empties the list.
  std::vector<Action> take_actions();

  /// Where the run stands: its phase, finished rounds, number, experiment, and the model after these rounds.
  Phase phase() const { return phase_; }
  std::uint32_t rounds_done() const { return rounds_done_; }
  std::uint64_t run() const { return config_.run; }
  const Experiment& experiment() const { return config_.experiment; }
  const rounds::MetaModel& model() const { return model_; }
  bool is_connected() const { return connected_; }
  /// Devices that answered a challenge and were not heard to go since; those that have not answered yet.
  std::size_t devices_online() const { return devices_.online(); }
  std::size_t devices_unconfirmed() const { return devices_.unconfirmed(); }
  std::vector<DeviceNews> take_device_news() { return devices_.take_news(); }
  bool is_revoked(std::string_view device_id) const { return devices_.is_revoked(device_id); }
  const std::vector<std::string>& roster() const { return devices_.roster(); }
  const Membership& membership() const { return devices_.membership(); }
  const std::vector<rounds::EvaluationRecord>& evaluations() const { return evaluations_; }
  /// Of the devices of the open round, if there is one; of those of the last that was finished.
  const RoundTiming& round_timing() const { return driver_.timing(); }
  const RoundTiming& last_round_timing() const { return driver_.last_timing(); }
  const rounds::Traffic& traffic() const { return outbox_.traffic(); }
  /// Updates and births refused, by reason.
  const RefusalCounts& refused() const { return refused_; }

 private:
  void restore(const RunSnapshot& snapshot);
  void restore_model(const RunSnapshot& snapshot);
  bool fleet_is_there() const {
    const std::size_t wanted = config_.experiment.fleet.devices;
    return devices_online() >= wanted && devices_.selected_online() >= wanted;
  }
  void adopt_roster(std::vector<std::string> roster);
  void freeze_roster(std::uint64_t now_ms);
  void take_will(std::string_view id, std::uint64_t now_ms);
  void take_birth(KnownDevice& device, const wire::State& birth, std::uint64_t now_ms);
  void send_challenges(std::uint64_t now_ms);
  void advance(std::uint64_t now_ms);
  void go_on(std::uint64_t now_ms);
  void close_round(std::uint64_t now_ms);
  void add_evaluation(rounds::EvaluationRecord record);
  void close_evaluation();
  void finish();
  void keep_ahead_of(const wire::RoundId& last, std::uint64_t now_ms);
  void renumber(std::uint64_t run, std::uint64_t now_ms);
  void update_wake();
  void count(wire::Refusal reason) { ++refused_[static_cast<std::size_t>(reason)]; }

  CoordinatorConfig config_;
  rounds::MetaModel model_;
  std::optional<DeviceBook> own_devices_;
  DeviceBook& devices_;
  Outbox outbox_;
  RefusalCounts refused_{};
  RoundDriver driver_;

  Phase phase_ = Phase::kWaitingForFleet;
  std::uint32_t rounds_done_ = 0;
  std::vector<rounds::EvaluationRecord> evaluations_;
  bool connected_ = false;
  std::uint32_t renumberings_ = 0;
  std::uint64_t renumbered_ms_ = 0;
  std::uint64_t wake_ms_ = kNever;
};

}  // namespace skink::coordinator
