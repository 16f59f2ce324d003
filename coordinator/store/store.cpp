#include "skink/coordinator/store/store.hpp"

#include <algorithm>

#include "database.hpp"
#include "format.hpp"
#include "override_text.hpp"
#include "skink/host/files/float_bytes.hpp"
#include "statement.hpp"

namespace skink::coordinator {
namespace {

using internal::encode_overrides;
using internal::kFormat;
using internal::kFormat3;
using internal::kFormat4;
using internal::Statement;

constexpr const char* kSchema = R"(
CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS roster(device_index INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS rounds(round INTEGER PRIMARY KEY, updates INTEGER, diverged INTEGER, refused INTEGER,
  replaced INTEGER, total_weight INTEGER, meta_learning_rate REAL, duration_ms INTEGER, uplink_bytes INTEGER,
  downlink_bytes INTEGER, device_rounds INTEGER, model_sha256 TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS models(rounds INTEGER PRIMARY KEY, is_checkpoint INTEGER NOT NULL, file BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS patches(round INTEGER PRIMARY KEY, base BLOB NOT NULL, bytes BLOB);
CREATE TABLE IF NOT EXISTS downlink(rounds INTEGER PRIMARY KEY, residual BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS strategy(rounds INTEGER PRIMARY KEY, state BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS events(sequence INTEGER PRIMARY KEY AUTOINCREMENT, round INTEGER, kind INTEGER, slot INTEGER,
  device_index INTEGER, attempt INTEGER, reason INTEGER, detail TEXT, support_samples INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS evaluations(rounds INTEGER PRIMARY KEY, devices INTEGER, tasks INTEGER,
  query_samples INTEGER, correct_before INTEGER, correct_after INTEGER, loss_before INTEGER, loss_after INTEGER,
  diverged_tasks INTEGER, uplink_bytes INTEGER, downlink_bytes INTEGER, device_rounds INTEGER);
CREATE TABLE IF NOT EXISTS reports(rounds INTEGER NOT NULL, device_index INTEGER NOT NULL, tasks INTEGER,
  query_samples INTEGER, correct_before INTEGER, correct_after INTEGER, loss_before INTEGER, loss_after INTEGER,
  diverged_tasks INTEGER, PRIMARY KEY(rounds, device_index)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS devices(id TEXT PRIMARY KEY, online INTEGER, last_seen TEXT, firmware TEXT,
  arena_bytes INTEGER, battery_percent INTEGER, reset_reason INTEGER, free_bytes INTEGER, stack_used_bytes INTEGER)
  WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refusals(reason TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
)";

Error other_format(const std::string& path, const std::string& format) {
  return make_error(Status::kNewerVersion, path + ": the store's format is " + format + ", this program reads " +
                                               kFormat + "; use the program that wrote it");
}

}  // namespace

Store::Store(std::unique_ptr<internal::Database> database) : database_(std::move(database)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

sqlite3* Store::handle() const { return database_->get(); }
Error Store::failure(const std::string& what) const { return database_->failure(what); }
Result<void> Store::execute(const char* sql) const { return database_->execute(sql); }
Result<std::string> Store::meta(const char* key) const { return database_->meta(key); }
Result<void> Store::set_meta(const char* key, const std::string& value) { return database_->set_meta(key, value); }

Result<Store> Store::open(const std::string& path) {
  auto database = internal::Database::open(path, kSchema);
  if (!database) return database.error();
  Store store(std::move(*database));
  const auto format = store.meta("format");
  if (!format) return format.error();
  if (format->empty()) {
    const auto done = store.set_meta("format", kFormat);
    if (!done) return done.error();
  } else if (*format == kFormat3 || *format == kFormat4) {
    const auto done = store.upgrade(*format);
    if (!done) return done.error();
  } else if (*format != kFormat) {
    return other_format(path, *format);
  }
  return store;
}

/// The schema has made the tables that are new.
Result<void> Store::upgrade(const std::string& format) {
  return database_->transact([&] {
    Result<void> done;
    const bool lacks_samples = format == kFormat3;
    if (lacks_samples) done = execute("ALTER TABLE events ADD COLUMN support_samples INTEGER NOT NULL DEFAULT 0");
    if (done) done = set_meta("format", kFormat);
    return done;
  });
}

Result<Store> Store::open_to_read(const std::string& path) {
  auto database = internal::Database::open_to_read(path);
  if (!database) return database.error();
  Store store(std::move(*database));
  const auto format = store.meta("format");
  if (!format) return format.error();
  if (format->empty()) return make_error(Status::kDamaged, path + ": this is not a store of a coordinator");
  if (*format != kFormat && *format != kFormat3 && *format != kFormat4) return other_format(path, *format);
  return store;
}

Result<bool> Store::has_run() const {
  const auto run = meta("run");
  if (!run) return run.error();
  return !run->empty();
}

Result<bool> Store::is_cleared() const {
  const auto cleared = meta("cleared");
  if (!cleared) return cleared.error();
  return *cleared == "1";
}

Result<void> Store::set_cleared() { return set_meta("cleared", "1"); }

Result<void> Store::begin_run(const NewRun& run) {
  return database_->transact([this, &run] {
    auto done = set_meta("run", std::to_string(run.run));
    if (done) done = set_meta("name", run.name);
    if (done) done = set_meta("experiment", run.experiment_text);
    if (done) done = set_meta("overrides", encode_overrides(run.overrides));
    if (done && !run.initial_model.empty()) done = keep_initial_model(run.initial_model);
    return done;
  });
}

Result<void> Store::keep_initial_model(const std::vector<std::uint8_t>& file) {
  Statement model(handle(), "INSERT INTO models(rounds, is_checkpoint, file) VALUES(0, 1, ?)");
  if (!model.bind(file).run()) return failure("the initial model cannot be written");
  return {};
}

// ---- writing --------------------------------------------------------------------------------------------------------

Result<void> Store::commit(const Action& action, std::uint32_t checkpoint_rounds) {
  return commit({&action, 1}, {}, checkpoint_rounds);
}

Result<void> Store::commit(Span<const Action> actions, const StoreNotes& notes, std::uint32_t checkpoint_rounds) {
  const bool is_empty = notes.devices.empty() && notes.refusals.empty() &&
                        std::all_of(actions.begin(), actions.end(),
                                    [](const Action& action) { return std::holds_alternative<Publish>(action); });
  if (is_empty) return {};
  return database_->transact([&] {
    Result<void> done;
    for (std::size_t i = 0; done && i < actions.size(); ++i) done = write(actions[i], checkpoint_rounds);
    for (std::size_t i = 0; done && i < notes.devices.size(); ++i) done = note_device(notes.devices[i]);
    for (std::size_t i = 0; done && i < notes.refusals.size(); ++i) done = note_refusal(notes.refusals[i]);
    return done;
  });
}

Result<void> Store::write(const Action& action, std::uint32_t checkpoint_rounds) {
  if (const auto* roster = std::get_if<CommitRoster>(&action)) return commit_roster(*roster);
  if (const auto* event = std::get_if<CommitEvent>(&action)) return commit_event(event->event);
  if (const auto* round = std::get_if<CommitRound>(&action)) return commit_round(*round, checkpoint_rounds);
  if (const auto* evaluation = std::get_if<CommitEvaluation>(&action)) return commit_evaluation(evaluation->record);
  if (const auto* number = std::get_if<CommitNumber>(&action)) return set_meta("run", std::to_string(number->run));
  if (std::holds_alternative<CommitFinished>(action)) return set_meta("finished", "1");
  return {};
}

Result<void> Store::commit_roster(const CommitRoster& commit) {
  std::uint32_t index = 0;
  for (const std::string& id : commit.roster) {
    Statement statement(handle(), "INSERT INTO roster(device_index, id) VALUES(?, ?)");
    if (!statement.bind(index++).bind(std::string_view(id)).run()) return failure("the roster cannot be written");
  }
  return {};
}

Result<void> Store::commit_event(const TranscriptEvent& event) {
  Statement statement(handle(),
                      "INSERT INTO events(round, kind, slot, device_index, attempt, reason, detail, support_samples) "
                      "VALUES(?, ?, ?, ?, ?, ?, ?, ?)");
  statement.bind(event.round).bind(static_cast<std::uint32_t>(event.kind)).bind(event.slot).bind(event.device_index);
  statement.bind(event.attempt).bind(static_cast<std::uint32_t>(event.reason)).bind(std::string_view(event.detail));
  statement.bind(event.support_samples);
  if (!statement.run()) return failure("the transcript cannot be written");
  return {};
}

Result<void> Store::commit_round(const CommitRound& commit, std::uint32_t checkpoint_rounds) {
  const rounds::RoundRecord& record = commit.record;
  Statement round(handle(), "INSERT INTO rounds VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  round.bind(record.round).bind(record.updates).bind(record.diverged).bind(record.refused).bind(record.replaced);
  round.bind(record.total_weight).bind(record.meta_learning_rate).bind(record.duration_ms);
  round.bind(record.traffic.uplink_bytes).bind(record.traffic.downlink_bytes).bind(record.traffic.device_rounds);
  if (!round.bind(std::string_view(record.model_sha256)).run()) return failure("the round cannot be written");
  const std::uint32_t done = record.round + 1;
  const bool is_checkpoint = checkpoint_rounds != 0 && done % checkpoint_rounds == 0;
  Statement model(handle(), "INSERT INTO models(rounds, is_checkpoint, file) VALUES(?, ?, ?)");
  if (!model.bind(done).bind(std::uint32_t{is_checkpoint}).bind(commit.model).run()) {
    return failure("the model cannot be written");
  }
  Statement old(handle(), "DELETE FROM models WHERE rounds < ? AND NOT is_checkpoint");
  if (!old.bind(done == 0 ? done : done - 1).run()) return failure("old models cannot be removed");
  const auto strategy = commit_strategy(commit);
  return strategy ? commit_downlink(commit) : strategy;
}

/// The patch, and what no patch has told yet.
Result<void> Store::commit_downlink(const CommitRound& commit) {
  if (commit.patch.base != crypto::Digest()) {
    Statement patch(handle(), "INSERT INTO patches(round, base, bytes) VALUES(?, ?, ?)");
    const std::vector<std::uint8_t> base(commit.patch.base.bytes, commit.patch.base.bytes + crypto::kDigestBytes);
    if (!patch.bind(commit.patch.round).bind(base).bind(commit.patch.bytes).run()) {
      return failure("the patch cannot be written");
    }
  }
  Statement old(handle(), "DELETE FROM patches WHERE round < ?");
  if (!old.bind(commit.first_patch).run()) return failure("old patches cannot be removed");
  if (commit.residual.empty()) return {};
  Statement residual(handle(), "INSERT INTO downlink(rounds, residual) VALUES(?, ?)");
  if (!residual.bind(commit.record.round + 1).bind(float_bytes(commit.residual)).run()) {
    return failure("the residual cannot be written");
  }
  Statement last(handle(), "DELETE FROM downlink WHERE rounds <= ?");
  if (!last.bind(commit.record.round).run()) return failure("old residuals cannot be removed");
  return {};
}

Result<void> Store::commit_strategy(const CommitRound& commit) {
  if (commit.strategy_state.empty()) return {};
  Statement state(handle(), "INSERT INTO strategy(rounds, state) VALUES(?, ?)");
  if (!state.bind(commit.record.round + 1).bind(commit.strategy_state).run()) {
    return failure("what the strategy keeps cannot be written");
  }
  Statement last(handle(), "DELETE FROM strategy WHERE rounds <= ?");
  if (!last.bind(commit.record.round).run()) return failure("what the strategy kept cannot be removed");
  return {};
}

Result<void> Store::commit_evaluation(const rounds::EvaluationRecord& record) {
  const auto bind = [](Statement& row, const wire::Evaluation& sums) -> Statement& {
    row.bind(sums.tasks).bind(sums.query_samples).bind(sums.correct_before).bind(sums.correct_after);
    return row.bind(sums.loss_before).bind(sums.loss_after).bind(sums.diverged_tasks);
  };
  Statement row(handle(), "INSERT INTO evaluations VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  bind(row.bind(record.rounds).bind(record.devices), record.total);
  row.bind(record.traffic.uplink_bytes).bind(record.traffic.downlink_bytes).bind(record.traffic.device_rounds);
  if (!row.run()) return failure("the evaluation cannot be written");
  for (const rounds::DeviceReport& report : record.reports) {
    Statement line(handle(), "INSERT INTO reports VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)");
    if (!bind(line.bind(record.rounds).bind(report.device_index), report.sums).run())
      return failure("the report of a device cannot be written");
  }
  return {};
}

Result<void> Store::note_device(const DeviceRow& row) {
  // A device that is gone keeps what its last birth said.
  Statement statement(
      handle(), row.online ? "INSERT OR REPLACE INTO devices VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)"
                           : "INSERT INTO devices VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(id) DO UPDATE SET "
                             "online = excluded.online, last_seen = excluded.last_seen");
  statement.bind(std::string_view(row.id)).bind(std::uint32_t{row.online}).bind(std::string_view(row.last_seen));
  statement.bind(std::string_view(row.firmware)).bind(row.arena_bytes).bind(row.battery_percent);
  statement.bind(row.reset_reason).bind(row.free_bytes).bind(row.stack_used_bytes);
  if (!statement.run()) return failure("the device cannot be written");
  return {};
}

Result<void> Store::note_refusal(const RefusalRow& row) {
  Statement statement(
      handle(), "INSERT INTO refusals VALUES(?, ?) ON CONFLICT(reason) DO UPDATE SET count = count + excluded.count");
  if (!statement.bind(std::string_view(row.reason)).bind(row.count).run()) return failure("cannot be written");
  return {};
}

}  // namespace skink::coordinator
