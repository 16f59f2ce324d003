#pragma once
/// @file
/// `skink-coordinator`: a fleet for years. Runs wait in a queue and are led one after the other; the model of each goes
/// into the registry; whatever is killed at whatever moment, a start goes on with the queue where it was.
/// docs/operating.md.
///
/// One thread leads. Others ask it by post(): what they post is done between two turns, so that it neither waits for a
/// round nor holds one up for longer than it takes.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "skink/coordinator/service/device_watch.hpp"
#include "skink/coordinator/service/fleet_counters.hpp"
#include "skink/coordinator/service/fleet_loop.hpp"
#include "skink/coordinator/service/fleet_releases.hpp"
#include "skink/coordinator/service/fleet_renewals.hpp"
#include "skink/coordinator/service/round_ring.hpp"
#include "skink/coordinator/service/schedules.hpp"
#include "skink/coordinator/service/service.hpp"
#include "skink/coordinator/service/settings.hpp"
#include "skink/coordinator/store/fleet_store.hpp"

namespace skink::coordinator {

/// What the service does now, for people and programs.
enum class ServicePhase : std::uint8_t {
  kIdle,        ///< the queue is empty
  kBrokerLost,  ///< there is no connection; nothing moves
  kStandby,     ///< another coordinator leads the fleet
  kWaiting,     ///< a run waits for devices
  kRunning,
  kStalled,  ///< a run has not finished a round for much longer than its rounds took
  kPaused
};
/// "idle", "broker lost", "standby", "waiting", "running", "stalled", "paused".
const char* service_phase_text(ServicePhase phase);

/// Where the service stands.
struct ServiceState {
  ServicePhase phase = ServicePhase::kIdle;
  std::string reason;     ///< why it does not go on, with what to do; empty while it does
  std::uint32_t run = 0;  ///< RunRow::number of the one that is open; 0: none
  std::string run_phase;  ///< of it
  std::uint32_t rounds = 0, rounds_done = 0;
  std::size_t devices_online = 0, devices_unconfirmed = 0;
  bool connected = false;
  std::uint64_t since_round_ms = 0;  ///< since the last round was finished, or the run was opened
};

/// What a service tells beside what runs do; each may be empty. On the service's thread.
struct FleetObserver {
  std::function<void(const EventRow&)> on_event;  ///< also in the fleet's store
  std::function<void(const RunRow&, const Coordinator&)> on_round;
  std::function<void(const RunRow&, const rounds::EvaluationRecord&)> on_evaluation;
};

/// Owns the state folder.
class FleetService {
 public:
  /// Opens the state folder, which it makes when it is not there, and reads the keys. The error says which file is at
  /// fault and what to do.
  static Result<std::unique_ptr<FleetService>> create(const Settings& settings);

  /// Leads until `stop` says so (asked at least ten times a second), or the store fails.
  ServiceEnd run(const FleetObserver& observer, const std::function<bool()>& stop);
  /// Why run() ended with kStoreFailed or kCredentialsRefused.
  const std::string& failure() const { return failure_; }

  /// Has `work` done between two turns, in the order of the calls. From any thread.
  void post(std::function<void(FleetService&)> work);
  /// What `make` makes, once for each `key` of a request: its number, or that of what the key has made before. An empty
  /// key is none. Errors: those of `make` and of the store.
  Result<std::uint32_t> once(const std::string& kind, const std::string& key,
                             const std::function<Result<std::uint32_t>()>& make);

  // ---- on the service's thread: before run(), or from posted work

  /// Where the service stands.
  ServiceState state() const;
  /// What was counted since the start.
  const FleetCounters& counters() const { return counters_; }
  FleetStore& store() { return store_; }
  /// From any thread, but for what change_settings() changes.
  const Settings& settings() const { return settings_; }
  /// Takes over what may change while it runs, for runs that are queued from now on.
  SettingsChange change_settings(const Settings& read) { return coordinator::change_settings(settings_, read); }
  /// Tells an event of the service itself, and keeps it. @param[in] level  "info", "warning" or "error"
  void report(const char* level, const char* name, const std::string& text) { event_of(0, level, name, text); }
  /// The devices of a round: of the open one, or of one of the last (RoundRing). None: it is not at hand.
  std::optional<RoundParticipants> participants(std::uint32_t run, std::uint32_t round) const;
  const DeviceBook& devices() const { return loop_->devices(); }
  /// Folder of a run: its store and its results.
  std::string run_folder(std::uint32_t number) const;

  /// Checks the experiment and puts a run at the end of the queue. @returns its number; kInvalidArgument says what is
  /// wrong with the order, other errors: the store failed.
  Result<std::uint32_t> queue_run(RunOrder order, const std::string& who);
  /// A run that is not over stops asking, and keeps its turn; goes on; or ends with what it has learned. @returns
  /// kInvalidArgument when there is no such run or it is not in a phase for that; other errors: the store failed.
  Result<void> pause_run(std::uint32_t number, const std::string& who);
  Result<void> resume_run(std::uint32_t number, const std::string& who);
  Result<void> stop_run(std::uint32_t number, const std::string& who);
  /// A model that the run's store keeps, of the round `round` or, with 0, of the latest, goes into the registry, with
  /// its figures if there was an evaluation then. @returns its number; kInvalidArgument says which rounds are kept, or
  /// that there is no such run; other errors: a store failed.
  Result<std::uint32_t> add_model(std::uint32_t run, std::uint32_t round, const std::string& who);
  /// Queues runs again and again: the k-th with `seed` of the experiment plus k - 1. The first one is due after
  /// `first_s` seconds, at most every_s. @returns its number; kInvalidArgument: nothing makes it due, or its run cannot
  /// be led; other errors: the store failed.
  Result<std::uint32_t> add_schedule(ScheduleRow schedule, std::uint32_t first_s, const std::string& who);
  /// What keeps the runs of such an order from beginning as things stand, in sentences for people: fewer devices are
  /// known than its experiment or its gate asks for. Empty: nothing. Errors: it cannot be led, or the store failed.
  Result<std::vector<std::string>> doubts_of(RunOrder order) const;
  /// What makes it due, whether it is enabled, wait and release of its runs. Time begins anew when it is enabled, or
  /// with another every_s. @returns kInvalidArgument: nothing makes it due; other errors: the store failed.
  Result<void> change_schedule(const ScheduleRow& schedule, const std::string& who);
  /// What it has queued goes on. @returns whether there was one; errors: the store failed.
  Result<bool> remove_schedule(std::uint32_t number, const std::string& who);
  /// From now on devices (of this group; empty: all) shall use this model of the registry. @returns the release's
  /// number; kInvalidArgument when there is no such model, or no key to sign with; other errors: the key or the store
  /// failed.
  Result<std::uint32_t> release_model(std::uint32_t model, const std::string& group, const std::string& who);
  /// The devices of `group` evaluate this model and the one that all have, before and after adaptation, on their own
  /// samples; then the gate decides: it is released to all, or held back with the reasons. Nobody uses it before.
  /// @returns the trial's number; kInvalidArgument when there is no such model, it was not learned here, or too few of
  /// the group are online; other errors: the store failed.
  Result<std::uint32_t> try_model(std::uint32_t model, const std::string& group, const Gate& gate,
                                  const std::string& who);
  /// Says in the audit trail who changed what. Errors: the store failed.
  Result<void> note_audit(const std::string& who, const char* action, const std::string& subject,
                          const std::string& detail);
  /// Group, labels, note and exclusion of a device. Errors: the store failed.
  Result<void> describe_device(const FleetDevice& device, const std::string& who);
  /// Puts the id on the list of revoked ids, for good; within a second nobody listens to the device any more. @returns
  /// whether it was not on it yet; kInvalidArgument when the configuration names no list; kUnavailable or kDamaged when
  /// the list cannot be read or written, or the store failed.
  Result<bool> revoke_device(const std::string& id, const std::string& who);
  /// The device shall have a new key and certificate: FleetRenewals::ask(), with its errors. @returns its number
  Result<std::uint32_t> renew_device(const std::string& id, const std::string& who);
  /// Nothing is known of the device any more: no run, trial or list waits for it or names it as missing. One that is
  /// heard again is new. @returns whether it was known; kInvalidArgument while it is online, in the roster of a run
  /// that is open or paused, or revoked; other errors: a store or the list failed.
  Result<bool> forget_device(const std::string& id, const std::string& who);

 private:
  FleetService(const Settings& settings, FleetStore store, std::unique_ptr<FleetLoop> loop);
  Result<void> begin();
  /// What an operator has said of a device.
  struct Description {
    std::string group;
    std::map<std::string, std::string, std::less<>> labels;
    bool excluded = false;
  };
  static Description description_of(const FleetDevice& device);
  Result<std::string> why_kept(const std::string& id) const;
  Result<std::size_t> known_devices(const Selection& selection) const;
  Result<void> read_devices();
  bool is_selected(const Selection& selection, const KnownDevice& device) const;
  void do_posted();
  Result<void> manage();
  Result<void> open_next();
  Result<void> open_run(const RunRow& row);
  Result<void> fail_run(const RunRow& row, const std::string& reason);
  Result<void> watch_run();
  Result<void> set_phase(RunPhase phase, const std::string& reason);
  Result<void> conclude(RunPhase phase, const std::string& reason);
  Result<std::uint32_t> keep_model(const Coordinator& core);
  Result<std::uint32_t> kept_round(const Store& run_store, std::uint32_t run, std::uint32_t round) const;
  /// Checks an order and says in it what the service adds.
  Result<Experiment> prepare(RunOrder& order) const;
  Result<void> check_initial_model(Experiment experiment, std::uint32_t number) const;
  struct Scheduled {
    ScheduleRow row;
    ScheduleTimer timer;
    std::uint64_t retry_ms = 0;  ///< a run could not be queued: not before
  };
  Result<void> read_schedules();
  Result<void> run_schedules();
  Result<void> run_schedule(Scheduled& one);
  Result<std::vector<ScheduleDevice>> selected(const Selection& selection,
                                               const Result<std::vector<ScheduleDevice>>& devices) const;
  Result<std::vector<ScheduleDevice>> worse_devices(const ScheduleRow& schedule) const;
  struct Due {
    std::string why;            ///< empty: it is not
    std::uint32_t release = 0;  ///< the latest that devices are heard about
  };
  Result<Due> why_due(const Scheduled& one) const;
  Result<void> note_failed(Scheduled& one, const std::string& reason);
  ScheduleTimer timer_of(const ScheduleRow& schedule) const;
  Result<void> release_automatically(std::uint32_t model);
  std::optional<rounds::PatchBook> patches_to(std::uint32_t model) const;
  std::string group_of(const std::string& id) const;
  std::uint32_t online_in(const std::string& group) const;
  Result<void> gate_model(std::uint32_t model);
  Result<std::string> audience_of(const TrialRow& trial) const;
  Result<std::optional<ReleaseRow>> released_to(const std::string& group) const;
  /// Who asks for a trial, and under which key its runs are queued at most once; empty: none.
  struct TrialOrigin {
    std::string who;
    std::string key;
  };
  static std::string key_of(const TrialOrigin& origin, const char* model);
  Result<std::uint32_t> begin_trial(TrialRow trial, std::uint32_t devices, const TrialOrigin& origin);
  Result<std::uint32_t> queue_evaluation(std::uint32_t model, const TrialRow& trial, std::uint32_t devices,
                                         const TrialOrigin& origin);
  Result<void> decide_trials();
  Result<std::optional<RunRow>> broken_run(const TrialRow& trial) const;
  Result<void> stop_partner(const TrialRow& trial, std::uint32_t broken);
  Result<void> decide(TrialRow trial);
  Result<std::map<std::string, double>> losses_of(std::uint32_t run) const;
  Result<void> write_results();
  Result<RunRow> unfinished(std::uint32_t number) const;
  std::string missing_devices() const;
  std::string why_stalled() const;
  bool nobody_can() const;
  std::uint64_t patience_ms() const;
  ServiceObserver run_observer();
  RoundParticipants participants_of(const Coordinator& core, const RoundTiming& timing) const;
  void note_event(const TranscriptEvent& said);
  void note_devices(const std::vector<DeviceRow>& rows);
  void note_release(const DeviceRow& row);
  EventRow log_event(EventRow row);
  void tell(const EventRow& row) const;
  void event(const char* level, const char* name, const std::string& text);  ///< of the open run, if there is one
  void event_of(std::uint32_t run, const char* level, const char* name, const std::string& text,
                const std::string& device = "");
  void name_culprits();
  Result<void> renew_releases();
  Result<void> write_notes();

  Settings settings_;
  FleetStore store_;
  std::unique_ptr<FleetLoop> loop_;
  std::mutex posted_mutex_;  ///< guards the next
  std::vector<std::function<void(FleetService&)>> posted_;

  FleetObserver observer_;
  FleetCounters counters_;
  std::string flood_;  // who floods, said last
  std::uint64_t flood_ms_ = 0;
  DeviceWatch watch_;
  std::uint32_t release_seen_ = 0;  ///< the highest number that a device keeps
  ServiceObserver run_observer_;
  std::map<std::string, Description, std::less<>> descriptions_;
  FleetReleases releases_;
  FleetRenewals renewals_;
  std::map<std::uint32_t, Scheduled> schedules_;
  std::optional<RunRow> current_;  ///< the run that is open, or paused
  bool queue_changed_ = true;
  std::uint64_t opened_ms_ = 0;              ///< of the run
  std::uint64_t waits_since_ms_ = 0;         ///< for its devices: not while another coordinator leads
  std::uint64_t round_ms_ = 0;               ///< when its last round ended
  std::vector<std::uint64_t> durations_ms_;  ///< of its last rounds
  RoundRing ring_;
  bool is_stalled_ = false;
  bool has_answer_ = false;   ///< of the open run: an update was taken, or an evaluation
  std::string last_refusal_;  ///< of the open run: who, and why
  std::uint64_t last_event_ = 0;
  std::vector<EventRow> events_;    ///< not yet written
  std::vector<DeviceRow> devices_;  ///< likewise
  std::uint64_t written_ms_ = 0;
  std::string failure_;
};

}  // namespace skink::coordinator
