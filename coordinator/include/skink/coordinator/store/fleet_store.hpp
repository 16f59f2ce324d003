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

#include "skink/coordinator/store/fleet_rows.hpp"

namespace skink::coordinator {

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

  // ---- renewals

  /// Adds or replaces the one of its device. Errors: see the class.
  Result<void> note_renewal(const RenewalRow& renewal);
  /// By device, after `after`; at most `limit`. Errors: see the class.
  Result<std::vector<RenewalRow>> renewals(const std::string& after, std::uint32_t limit) const;

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
