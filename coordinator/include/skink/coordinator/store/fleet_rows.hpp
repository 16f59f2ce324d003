#pragma once
/// @file
/// The rows of fleet.db as values; docs/fleet-store.md lists the tables.

#include <cstdint>
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

/// Where the renewal of a device's certificate stands. Stored as text (renewal_phase_text()).
enum class RenewalPhase : std::uint8_t {
  kAsked,    ///< the device is to send a request
  kIssued,   ///< it has its certificate, and has not connected with it yet
  kDone,     ///< it has
  kRefused,  ///< the device, or the authority, has refused; RenewalRow::reason says why
};
/// "asked", "issued", "done", "refused".
const char* renewal_phase_text(RenewalPhase phase);

/// The last renewal of a device.
struct RenewalRow {
  std::string device;
  std::uint32_t number = 0;  ///< counts up with every renewal of this device
  RenewalPhase phase = RenewalPhase::kAsked;
  std::string reason;                     ///< kRefused: why
  std::vector<std::uint8_t> certificate;  ///< kIssued, kDone: DER
  std::string valid_until;                ///< of that: 2036-11-20
  std::string since;                      ///< UTC: of the phase
};

}  // namespace skink::coordinator
