#pragma once
/// @file
/// A run on disk: SQLite with write-ahead log and synchronous FULL, so that what was committed survives a crash of the
/// process and of the machine. One file, one run; tables are listed in docs/store.md.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "skink/common/span.hpp"
#include "skink/coordinator/core/coordinator.hpp"
#include "skink/coordinator/core/run_snapshot.hpp"
#include "skink/host/result.hpp"

struct sqlite3;

namespace skink::coordinator {

namespace internal {
class Database;
class Statement;
}  // namespace internal

/// What is known of a device, for `skinkctl devices`.
struct DeviceRow {
  std::string id;
  bool online = false;
  std::string last_seen;  ///< UTC, ISO 8601
  // of its last birth: a last will says nothing of them
  std::string firmware;
  std::uint32_t arena_bytes = 0;
  std::uint32_t battery_percent = 0;
  std::uint32_t reset_reason = 0;  ///< docs/protocol.md
  std::uint32_t free_bytes = 0;
  std::uint32_t stack_used_bytes = 0;
  // releases; in the fleet's store only
  bool takes_releases = false;
  std::uint32_t release = 0;          ///< number of the one that it keeps; 0: none
  std::uint64_t release_model = 0;    ///< crypto::prefix_of() its model's digest
  std::uint32_t release_refused = 0;  ///< number of the one that it refused last; 0: none
  std::uint32_t release_reason = 0;   ///< wire::Refusal
  std::uint32_t release_use = 0;      ///< wire::ReleaseUse
  std::uint32_t samples = 0;          ///< 1 + how many it has; 0: it does not say
  std::string class_samples{};        ///< of each label from 0 on, in decimal, with blanks between
};

/// How often messages were refused for one reason.
struct RefusalRow {
  std::string reason;
  std::uint64_t count = 0;
};

/// What `skinkctl` shows: of each device the last that is known; of each reason how many messages were refused since
/// the notes before, which the store adds up, over restarts too.
struct StoreNotes {
  std::vector<DeviceRow> devices;
  std::vector<RefusalRow> refusals;
};

/// A finished evaluation, with its reports, and how long all rounds before it took.
struct StoredEvaluation {
  rounds::EvaluationRecord record;
  std::uint64_t duration_ms = 0;
};

/// What one device reported in one evaluation.
struct StoredReport {
  std::uint32_t rounds = 0;  ///< finished ones: which evaluation
  std::string device;        ///< id
  wire::Evaluation sums{};
};

/// The run's latest model and its roster.
struct StoredModel {
  std::uint32_t rounds = 0;  ///< after so many
  std::uint64_t bytes = 0;   ///< of the model file; 0: there is none yet
  std::uint32_t roster = 0;  ///< devices; 0: not frozen yet
};

/// A newly created run.
struct NewRun {
  std::uint64_t run = 1;
  std::string name;
  std::string experiment_text;
  std::vector<Override> overrides;
  std::vector<std::uint8_t> initial_model{};  ///< .skm; empty: the experiment begins at random
};

/// One open store. Movable; one thread at a time.
class Store {
 public:
  /// evaluations() stops when it has read so many reports.
  static constexpr std::size_t kMostReports = 20000;

  /// Opens for writing; creates the file and its tables when it is not there. One process at a time: a second one gets
  /// an error.
  static Result<Store> open(const std::string& path);
  /// Opens for reading, also while a coordinator writes. An absent file is an error.
  static Result<Store> open_to_read(const std::string& path);
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  /// Is there a run in it? One that begins is durable on return. Errors of these and all below: kUnavailable when
  /// SQLite cannot read or write (the message says why, and what to do when the disk is full), kDamaged for a value
  /// that no coordinator writes.
  Result<bool> has_run() const;
  Result<void> begin_run(const NewRun& run);

  /// Everything of the stored run as it was at one moment; rounds without their models. kDamaged: a row has a value
  /// that no coordinator writes.
  Result<RunSnapshot> load() const;
  Result<std::vector<rounds::RoundRecord>> rounds() const;
  /// From one on, at most so many.
  Result<std::vector<rounds::RoundRecord>> rounds(std::uint32_t first, std::uint32_t most) const;
  /// Evaluations after `first` finished rounds or more, at most so many; fewer when their reports are many
  /// (kMostReports), but at least one if there is one.
  Result<std::vector<StoredEvaluation>> evaluations(std::uint32_t first, std::uint32_t most) const;
  /// Reports of the evaluation after `rounds` rounds, by device id, after `after`; at most so many. None: there is no
  /// such evaluation, or the store is of a format without reports.
  Result<std::vector<StoredReport>> reports(std::uint32_t rounds, const std::string& after, std::uint32_t most) const;
  /// What one device reported in evaluations after `first` finished rounds or more, at most so many.
  Result<std::vector<StoredReport>> reports_of(const std::string& device, std::uint32_t first,
                                               std::uint32_t most) const;
  Result<StoredModel> latest_model() const;
  /// Is the device in the roster? Not before it is frozen.
  Result<bool> has_in_roster(const std::string& device) const;
  /// After how many rounds the models that are kept were: the last two, and checkpoints, ascending.
  Result<std::vector<std::uint32_t>> kept_models() const;
  /// The file of one of them; empty: it is not kept. Errors as has_run().
  Result<std::vector<std::uint8_t>> model_after(std::uint32_t rounds) const;
  /// The steps of the last rounds that devices may still need, in the order of the rounds. Errors as has_run();
  /// kDamaged as load().
  Result<std::vector<rounds::Patch>> patches() const;
  Result<std::vector<DeviceRow>> devices() const;
  Result<std::vector<RefusalRow>> refusals() const;

  /// Does the broker keep nothing of the run any more? Then a run that is finished has nothing left to do. Errors as
  /// has_run().
  Result<bool> is_cleared() const;
  Result<void> set_cleared();

  /// All of them in one transaction, durable when it returns: either all or none. Publish actions are passed over. Does
  /// nothing when there is nothing to write. Errors as has_run(); then nothing of it is stored.
  ///
  /// @param[in] notes  for people; not needed for correctness.
  /// @param[in] checkpoint_rounds  models after a multiple of it are kept, besides the latest two; 0: none.
  Result<void> commit(Span<const Action> actions, const StoreNotes& notes, std::uint32_t checkpoint_rounds);
  Result<void> commit(const Action& action, std::uint32_t checkpoint_rounds);

 private:
  explicit Store(std::unique_ptr<internal::Database> database);
  sqlite3* handle() const;
  Result<void> upgrade(const std::string& format);
  Result<void> execute(const char* sql) const;
  Error failure(const std::string& what) const;
  Error damage(const std::string& what) const;
  Result<RunSnapshot> read_snapshot() const;
  Result<void> read_meta(RunSnapshot& snapshot) const;
  Result<void> read_roster(RunSnapshot& snapshot) const;
  Result<void> read_models(RunSnapshot& snapshot) const;
  Result<void> read_strategy(RunSnapshot& snapshot) const;
  Result<void> read_events(RunSnapshot& snapshot) const;
  Result<bool> has_reports() const;
  Result<void> read_evaluations(RunSnapshot& snapshot) const;
  Result<void> read_reports(RunSnapshot& snapshot) const;
  Result<void> check(const internal::Statement& statement, const char* what) const;
  Result<void> write(const Action& action, std::uint32_t checkpoint_rounds);
  Result<void> keep_initial_model(const std::vector<std::uint8_t>& file);
  Result<void> commit_roster(const CommitRoster& commit);
  Result<void> commit_event(const TranscriptEvent& event);
  Result<void> commit_round(const CommitRound& commit, std::uint32_t checkpoint_rounds);
  Result<void> commit_downlink(const CommitRound& commit);
  Result<void> commit_strategy(const CommitRound& commit);
  Result<void> commit_evaluation(const rounds::EvaluationRecord& record);
  Result<void> note_device(const DeviceRow& row);
  Result<void> note_refusal(const RefusalRow& row);
  Result<void> set_meta(const char* key, const std::string& value);
  Result<std::string> meta(const char* key) const;

  std::unique_ptr<internal::Database> database_;
};

}  // namespace skink::coordinator
