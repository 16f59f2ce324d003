#pragma once
/// @file
/// What a gateway knows of its fleet beyond one run: devices, the queue of runs, the registry of models, what happened,
/// and who changed what. One SQLite file, fleet.db, durable as the store of a run; tables are listed in
/// docs/fleet-store.md.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "skink/common/span.hpp"
#include "skink/coordinator/store/store.hpp"
#include "skink/host/config/overrides.hpp"
#include "skink/host/result.hpp"

namespace skink::coordinator {

/// Where a run of the fleet stands. Stored as text (run_phase_text()).
enum class RunPhase : std::uint8_t {
  kQueued,   ///< behind others
  kWaiting,  ///< its turn, and its devices are not all there
  kRunning,
  kPaused,    ///< nothing is asked; it keeps its turn
  kFinished,  ///< every round and evaluation is done
  kStopped,   ///< ended by an operator; what it learned until then is kept
  kFailed     ///< cannot go on; the reason says why
};
/// "queued", "waiting", "running", "paused", "finished", "stopped", "failed".
const char* run_phase_text(RunPhase phase);
/// None: no phase has this name.
std::optional<RunPhase> run_phase_of(std::string_view text);
/// Is it over for good?
inline bool is_over(RunPhase phase) { return phase >= RunPhase::kFinished; }

/// Which devices may take part; empty fields select every one.
struct Selection {
  std::string group;     ///< name of a group
  std::string label;     ///< KEY=VALUE, or KEY for any value
  std::string firmware;  ///< what a birth says must begin with this
  friend bool operator==(const Selection&, const Selection&) = default;
};

/// What becomes of the model of a run that is finished: an operator decides; the selected group (all, without one) gets
/// it; it gets it if a gate lets it through.
enum class ReleasePolicy : std::uint8_t { kManual, kAuto, kGated };
/// "manual", "auto", "gated".
const char* release_policy_text(ReleasePolicy policy);
/// None: no policy has this name.
std::optional<ReleasePolicy> release_policy_of(std::string_view text);

/// What a gate asks of a new model, on the samples of the canaries.
struct Gate {
  double least_gain =
      0;  ///< mean over devices of loss per sample after adaptation, the old model's minus the new one's
  std::uint32_t least_devices = 1;  ///< that reported for both models
  std::uint32_t wait_s = 0;         ///< for the canaries to come, for each model; 0: for ever
};

/// What a run is for: to learn, or only to score the model that it begins with, by the held-out devices, once.
enum class RunKind : std::uint8_t { kLearn, kEvaluate };

/// What is asked for when a run is queued.
struct RunOrder {
  RunKind kind = RunKind::kLearn;
  std::string name;             ///< of the experiment
  std::string experiment_text;  ///< the file as it was read
  std::vector<Override> overrides;
  std::uint32_t init_model = 0;  ///< number in the registry; 0: as the experiment says
  Selection selection;
  std::uint32_t wait_s = 0;  ///< how long it waits for its devices before it fails; 0: for ever
  ReleasePolicy release = ReleasePolicy::kManual;
  std::string gate_group;               ///< the canaries of a gated release
  Gate gate;                            ///< what they ask of the model
  std::uint32_t checkpoint_rounds = 0;  ///< its store keeps a model every so many rounds; 0: as the configuration says
  /// Of whoever queues it, so that a repeated request does not queue it twice; empty: none.
  std::string idempotency_key;
};

/// A run of the fleet.
struct RunRow {
  std::uint32_t number = 0;  ///< 1, 2, ... in the order of queueing
  std::uint64_t run = 0;     ///< its number on the wire; 0: it has not begun
  RunOrder order;
  RunPhase phase = RunPhase::kQueued;
  std::string reason;                ///< why it waits, was stopped or failed
  std::uint32_t rounds = 0;          ///< of its experiment
  std::uint32_t rounds_done = 0;     ///< when it ended; while it runs its own store knows
  std::string queued, begun, ended;  ///< UTC, ISO 8601; empty: not yet
  std::uint32_t trial = 0;           ///< TrialRow::number of the trial that it judges for; 0: of none
};

/// A model of the registry.
struct ModelRow {
  std::uint32_t number = 0;  ///< 1, 2, ...
  std::string sha256;        ///< 64 hexadecimal digits, as the model file has it
  std::string parent;        ///< of the model that its run began with; empty: at random
  std::uint32_t run = 0;     ///< RunRow::number; 0: it was brought from outside
  std::uint32_t rounds = 0;  ///< after so many rounds of it
  std::string experiment;    ///< name
  std::string figures;       ///< JSON: of the evaluation after these rounds; "null": there was none
  std::string created;       ///< UTC
  std::uint64_t bytes = 0;   ///< of the file
};

/// A release: a model that devices shall use from now on, until a higher number is released to them.
struct ReleaseRow {
  std::uint32_t number = 0;  ///< 1, 2, ...; what devices hold against older ones
  std::uint32_t model = 0;   ///< ModelRow::number
  std::string sha256;        ///< of that model
  std::string group;         ///< for the devices of this group; empty: for all
  std::string header;        ///< signed manifest: 144 bytes of docs/release.md
  std::uint32_t slot = 0;    ///< of the broker's chunks
  // for the device's own judgement: docs/protocol.md
  std::uint64_t seed = 0;
  float inner_learning_rate = 0;
  std::uint32_t passes = 0;
  std::uint32_t batch_size = 1;
  std::string created;  ///< UTC
};

/// Where a trial stands: the canaries judge; the model was released; it was held back.
enum class TrialPhase : std::uint8_t { kJudging, kReleased, kHeldBack };
/// "judging", "released", "held back".
const char* trial_phase_text(TrialPhase phase);

/// A model that is tried by a group before the others get it.
struct TrialRow {
  std::uint32_t number = 0;     ///< 1, 2, ...
  std::uint32_t model = 0;      ///< the new one
  std::uint32_t old_model = 0;  ///< the one that all have; 0: none, then only that enough devices report is asked
  std::string group;            ///< the canaries
  Gate gate;
  std::uint32_t old_run = 0, new_run = 0;  ///< RunRow::number of the evaluations; old_run is 0 without an old model
  TrialPhase phase = TrialPhase::kJudging;
  std::string reason;            ///< of the decision
  std::string gains;             ///< JSON: {device id: gain}; "{}" before the decision
  std::uint32_t release = 0;     ///< its number; 0: none
  std::string created, decided;  ///< UTC
};

/// How a device behaves: counts of all runs.
struct DeviceConduct {
  std::string id;
  std::uint64_t updates = 0;     ///< changes that were taken
  std::uint64_t misses = 0;      ///< deadlines that it missed
  std::uint64_t clipped = 0;     ///< changes that were too long, and scaled down
  std::optional<double> length;  ///< of its changes over what is taken, a running mean; none: nothing was clipped
  std::optional<double>
      gain;  ///< of its last evaluation: loss per sample before adapting minus after; none: it had none
};

/// Runs that are queued again and again: after a time, or when devices say that it is time.
struct ScheduleRow {
  std::uint32_t number = 0;  ///< 1, 2, ...
  std::string name;
  RunOrder order;            ///< of each run; of the first one `init_model`, of the others too unless `from_latest`
  bool from_latest = false;  ///< a run begins with the latest model that this schedule has learned
  // what makes it due; any of them, 0: not this
  std::uint32_t every_s = 0;
  std::uint32_t devices_worse = 0;  ///< so many selected devices say that adapting their release does not help
  std::uint32_t new_devices = 0;    ///< so many selected devices were first seen after the last run was queued
  bool enabled = true;
  std::uint32_t runs = 0;          ///< that it has queued
  std::uint32_t last_run = 0;      ///< RunRow::number; 0: none yet
  std::string last_queued;         ///< UTC; when there was none, when the schedule was made
  std::uint32_t last_release = 0;  ///< devices that keep a later release are counted as worse, others were heard
  std::uint64_t next_unix_s = 0;   ///< when it is due by time; 0: never
  std::string created;             ///< UTC
};

/// A device that may make a schedule due.
struct ScheduleDevice {
  std::string id;
  std::string firmware;
  std::uint32_t release = 0;  ///< that it keeps
};

/// A device, as the fleet knows it.
struct FleetDevice {
  DeviceRow row;
  std::string first_seen;  ///< UTC
  std::string group;       ///< empty: none
  std::string labels;      ///< JSON object of texts
  std::string note;        ///< for people
  bool excluded = false;   ///< no run takes it
  DeviceConduct conduct{};
};

/// Something that happened.
struct EventRow {
  std::uint64_t id = 0;  ///< ascending
  std::string at;        ///< UTC
  std::string level;     ///< "info", "warning", "error"
  std::string event;     ///< stable name: docs/fleet-store.md
  std::uint32_t run = 0;
  std::string device;  ///< id; empty: of none
  std::string text;
};

/// Something that somebody changed.
struct AuditRow {
  std::uint64_t id = 0;
  std::string at;  ///< UTC
  std::string who;
  std::string action;   ///< "run.queue", "device.group", ...
  std::string subject;  ///< what was changed
  std::string detail;   ///< JSON
};

/// A token of the HTTP interface. The secret itself is not kept.
struct TokenRow {
  std::uint32_t id = 0;
  std::string name;     ///< whose it is, for the audit trail
  std::string scope;    ///< "read", "operate", "admin"
  std::string sha256;   ///< of the secret, 64 hexadecimal digits: it has 256 random bits, so a hash is enough
  std::string created;  ///< UTC
};

/// Rows after one, at most so many; ids and numbers ascend.
struct Page {
  std::uint64_t after = 0;
  std::uint32_t limit = 50;
};

/// Which devices are looked for; what is not set selects every one.
struct DeviceFilter {
  std::optional<std::string> group;
  std::optional<bool> online;
};
/// Which events are looked for; as DeviceFilter.
struct EventFilter {
  std::optional<std::string> level, event, device;
};

/// One open fleet.db. Movable; one thread at a time. Errors of all: kUnavailable when SQLite cannot read or write,
/// kDamaged for a value that no coordinator writes.
class FleetStore {
 public:
  /// Opens for writing, creates it when it is not there. One process at a time.
  /// @param[in] fleet  its name; another one than the file's is an error.
  static Result<FleetStore> open(const std::string& path, const std::string& fleet);
  /// Opens for reading, also while a coordinator writes.
  static Result<FleetStore> open_to_read(const std::string& path);
  FleetStore(FleetStore&&) noexcept;
  FleetStore& operator=(FleetStore&&) noexcept;
  ~FleetStore();

  /// The fleet's name. Errors: see the class.
  Result<std::string> fleet() const;

  /// Notes that this state was restored from a backup: what happened after the backup is not known here. Errors: see
  /// the class.
  /// @param[in] at  UTC, ISO 8601
  Result<void> note_restored(const std::string& at);
  /// When it was restored last; empty: never. Errors: see the class.
  Result<std::string> restored() const;

  // ---- runs

  /// Puts a run at the end of the queue. @returns its number; that of the run with the same idempotency key, if there
  /// is one, and then nothing changes. Errors: see the class.
  Result<std::uint32_t> queue_run(const RunOrder& order, std::uint32_t rounds);
  /// In the order of their numbers.
  Result<std::vector<RunRow>> runs(const Page& page, std::optional<RunPhase> phase = std::nullopt) const;
  Result<std::optional<RunRow>> run(std::uint32_t number) const;
  /// The number of the run that was queued with this key; 0: none. Errors: see the class.
  Result<std::uint32_t> run_of_key(const std::string& idempotency_key) const;
  /// The one whose turn it is: the first that is not over. None: the queue is empty.
  Result<std::optional<RunRow>> current_run() const;
  /// Gives it its number on the wire, higher than any before, `least` at least. Once; it keeps it.
  Result<std::uint64_t> begin_run(std::uint32_t number, std::uint64_t least);
  /// It has another number on the wire: devices have seen a later one. Errors: as queue_run().
  Result<void> renumber_run(std::uint32_t number, std::uint64_t run);
  /// With a phase that is over, the time is noted.
  Result<void> set_phase(std::uint32_t number, RunPhase phase, const std::string& reason, std::uint32_t rounds_done);

  // ---- models

  /// Adds a model; the same one of the same run and round is there once. @returns its number.
  Result<std::uint32_t> add_model(const ModelRow& model, const std::vector<std::uint8_t>& file);
  Result<std::vector<ModelRow>> models(const Page& page) const;
  Result<std::optional<ModelRow>> model(std::uint32_t number) const;
  /// The file; empty: there is no such model.
  Result<std::vector<std::uint8_t>> model_file(std::uint32_t number) const;

  // ---- what was asked for once

  /// Notes that `key` of a request has made the release, trial or schedule `number`; the latest 10,000 are kept.
  /// Errors: see the class.
  /// @param[in] kind  of what was made: "release", ...
  Result<void> note_key(const std::string& kind, const std::string& key, std::uint32_t number);
  /// What this key has made; 0: nothing. Errors: see the class.
  Result<std::uint32_t> number_of_key(const std::string& kind, const std::string& key) const;

  // ---- releases

  /// The number that the next release gets. Errors: see the class.
  Result<std::uint32_t> next_release() const;
  /// Adds it under its number. Errors: see the class.
  Result<void> add_release(const ReleaseRow& release);
  /// In the order of their numbers. Errors: see the class.
  Result<std::vector<ReleaseRow>> releases(const Page& page) const;

  // ---- trials

  /// Adds one; its number is given. @returns the number. Errors: see the class.
  Result<std::uint32_t> add_trial(const TrialRow& trial);
  /// Phase, reason, gains and release. Errors: see the class.
  Result<void> decide_trial(const TrialRow& trial);
  /// In the order of their numbers. Errors: see the class.
  Result<std::vector<TrialRow>> trials(const Page& page) const;

  // ---- schedules

  /// Adds one; number and creation are given. @returns the number. Errors: see the class.
  Result<std::uint32_t> add_schedule(const ScheduleRow& schedule);
  /// Of a schedule that is there: what makes it due, whether it is enabled, when it is due, wait and release of its
  /// runs. Errors: see the class.
  Result<void> change_schedule(const ScheduleRow& schedule);
  /// It has queued a run: number, time, release and when it is due next are those of `schedule`. Errors: see the class.
  Result<void> note_scheduled_run(const ScheduleRow& schedule);
  /// Its runs and models stay. @returns whether there was one. Errors: see the class.
  Result<bool> remove_schedule(std::uint32_t number);
  /// In the order of their numbers. Errors: see the class.
  Result<std::vector<ScheduleRow>> schedules(const Page& page) const;
  /// The latest model of the registry that a run of this schedule has learned and no gate has held back; 0: none.
  /// Errors: see the class.
  Result<std::uint32_t> latest_model_of(std::uint32_t schedule) const;
  /// Whose last birth says that adapting a release above `release` does not help, or diverges. Errors: see the class.
  Result<std::vector<ScheduleDevice>> devices_worse(std::uint32_t release) const;
  /// First seen after `utc`. Errors: see the class.
  Result<std::vector<ScheduleDevice>> devices_since(const std::string& utc) const;

  // ---- devices

  /// Nobody is online: for a coordinator that starts and has heard nobody yet. Errors: see the class.
  Result<void> forget_presence();
  /// By id, after `after`; at most `limit`. Errors: see the class.
  Result<std::vector<FleetDevice>> devices(const std::string& after, std::uint32_t limit,
                                           const DeviceFilter& filter = {}) const;
  /// None: it was never seen nor described. Errors: see the class.
  Result<std::optional<FleetDevice>> device(const std::string& id) const;
  /// Changes group, labels, note and exclusion; a device that was never seen is known from now on. Errors: see the
  /// class.
  Result<void> describe_device(const FleetDevice& device);
  /// Nothing is known of it, nor of how it behaved. @returns whether it was known. Errors: see the class.
  Result<bool> forget_device(const std::string& id);

  /// Adds or replaces. Errors: see the class.
  Result<void> note_conduct(const std::vector<DeviceConduct>& rows);
  /// Of all devices that did something, by id. Errors: see the class.
  Result<std::vector<DeviceConduct>> conduct() const;

  // ---- tokens

  /// @returns its id. Errors: see the class.
  Result<std::uint32_t> add_token(const TokenRow& token);
  /// All of them. Errors: see the class.
  Result<std::vector<TokenRow>> tokens() const;
  /// @returns whether there was one. Errors: see the class.
  Result<bool> remove_token(std::uint32_t id);

  // ---- what happened, and who did it

  /// The highest id of an event; 0: there was none. Errors: see the class.
  Result<std::uint64_t> last_event() const;
  /// What is new of devices and what happened since, all at once. Events have ids above last_event(), ascending; the
  /// latest 10,000 are kept. Errors: see the class.
  Result<void> note(const std::vector<DeviceRow>& devices, const std::vector<EventRow>& events);
  /// Oldest first. Errors: see the class.
  Result<std::vector<EventRow>> events(const Page& page, const EventFilter& filter = {}) const;
  /// The highest id of the audit trail; 0: nothing was changed yet. Errors: see the class.
  Result<std::uint64_t> last_audit() const;
  /// Its id is given. Errors: see the class.
  Result<void> add_audit(const AuditRow& row);
  /// Oldest first. Errors: see the class.
  Result<std::vector<AuditRow>> audit(const Page& page) const;

 private:
  explicit FleetStore(std::unique_ptr<internal::Database> database);
  bool has_column(const char* table, const char* column) const;
  Result<std::vector<ScheduleDevice>> schedule_devices(internal::Statement& row) const;
  Result<void> note_device(const DeviceRow& row);
  Result<void> add_event(const EventRow& event);
  Result<std::vector<RunRow>> read_runs(const std::string& where, std::uint64_t value, std::uint32_t limit) const;
  Result<std::vector<ModelRow>> read_models(const char* where, std::uint64_t value, std::uint32_t limit) const;
  Result<std::vector<FleetDevice>> read_devices(const std::string& where, const std::vector<std::string>& values,
                                                std::uint32_t limit) const;

  std::unique_ptr<internal::Database> database_;
};

}  // namespace skink::coordinator
