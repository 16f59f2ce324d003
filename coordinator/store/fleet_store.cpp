#include "skink/coordinator/store/fleet_store.hpp"

#include <algorithm>
#include <array>

#include "database.hpp"
#include "gate_text.hpp"
#include "override_text.hpp"
#include "skink/host/program/time_of_day.hpp"
#include "statement.hpp"

namespace skink::coordinator {
namespace {

using internal::Database;
using internal::Statement;

constexpr const char* kFleetFormat = "skink-fleet-1";

constexpr const char* kFleetSchema = R"(
CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS runs(number INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL DEFAULT 0,
  name TEXT NOT NULL, phase TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', experiment TEXT NOT NULL,
  overrides TEXT NOT NULL, init_model INTEGER NOT NULL, select_group TEXT NOT NULL, select_label TEXT NOT NULL,
  select_firmware TEXT NOT NULL, wait_s INTEGER NOT NULL, rounds INTEGER NOT NULL,
  rounds_done INTEGER NOT NULL DEFAULT 0, queued TEXT NOT NULL, begun TEXT NOT NULL DEFAULT '',
  ended TEXT NOT NULL DEFAULT '', idempotency_key TEXT,
  release TEXT NOT NULL DEFAULT 'manual', kind TEXT NOT NULL DEFAULT 'learn',
  checkpoint_rounds INTEGER NOT NULL DEFAULT 0, gate TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS trials(number INTEGER PRIMARY KEY AUTOINCREMENT, model INTEGER NOT NULL,
  old_model INTEGER NOT NULL, device_group TEXT NOT NULL, least_gain REAL NOT NULL, least_devices INTEGER NOT NULL,
  wait_s INTEGER NOT NULL, old_run INTEGER NOT NULL, new_run INTEGER NOT NULL, phase TEXT NOT NULL DEFAULT 'judging',
  reason TEXT NOT NULL DEFAULT '', gains TEXT NOT NULL DEFAULT '{}', release INTEGER NOT NULL DEFAULT 0,
  created TEXT NOT NULL, decided TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS schedules(number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL,
  experiment_name TEXT NOT NULL, experiment TEXT NOT NULL, overrides TEXT NOT NULL, select_group TEXT NOT NULL,
  select_label TEXT NOT NULL, select_firmware TEXT NOT NULL, wait_s INTEGER NOT NULL, release TEXT NOT NULL,
  checkpoint_rounds INTEGER NOT NULL, init_model INTEGER NOT NULL, from_latest INTEGER NOT NULL,
  every_s INTEGER NOT NULL, devices_worse INTEGER NOT NULL, new_devices INTEGER NOT NULL, enabled INTEGER NOT NULL,
  runs INTEGER NOT NULL DEFAULT 0, last_run INTEGER NOT NULL DEFAULT 0, last_queued TEXT NOT NULL,
  last_release INTEGER NOT NULL DEFAULT 0, next_unix_s INTEGER NOT NULL, created TEXT NOT NULL,
  gate TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS scheduled_runs(run INTEGER PRIMARY KEY, schedule INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS request_keys(id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, key TEXT NOT NULL,
  number INTEGER NOT NULL, UNIQUE(kind, key));
CREATE UNIQUE INDEX IF NOT EXISTS runs_by_key ON runs(idempotency_key);
CREATE TABLE IF NOT EXISTS tokens(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, scope TEXT NOT NULL,
  sha256 TEXT NOT NULL UNIQUE, created TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS models(number INTEGER PRIMARY KEY AUTOINCREMENT, sha256 TEXT NOT NULL, parent TEXT NOT NULL,
  run INTEGER NOT NULL, rounds INTEGER NOT NULL, experiment TEXT NOT NULL, figures TEXT NOT NULL, created TEXT NOT NULL,
  file BLOB NOT NULL, UNIQUE(run, rounds, sha256));
CREATE TABLE IF NOT EXISTS releases(number INTEGER PRIMARY KEY, model INTEGER NOT NULL, device_group TEXT NOT NULL,
  header BLOB NOT NULL, slot INTEGER NOT NULL, seed INTEGER NOT NULL, inner_learning_rate REAL NOT NULL,
  passes INTEGER NOT NULL, batch_size INTEGER NOT NULL, created TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS devices(id TEXT PRIMARY KEY, online INTEGER NOT NULL, last_seen TEXT NOT NULL,
  firmware TEXT NOT NULL, arena_bytes INTEGER NOT NULL, battery_percent INTEGER NOT NULL, reset_reason INTEGER NOT NULL,
  free_bytes INTEGER NOT NULL, stack_used_bytes INTEGER NOT NULL, first_seen TEXT NOT NULL,
  device_group TEXT NOT NULL DEFAULT '', labels TEXT NOT NULL DEFAULT '{}', note TEXT NOT NULL DEFAULT '',
  excluded INTEGER NOT NULL DEFAULT 0, takes_releases INTEGER NOT NULL DEFAULT 0, release INTEGER NOT NULL DEFAULT 0,
  release_model INTEGER NOT NULL DEFAULT 0, release_refused INTEGER NOT NULL DEFAULT 0,
  release_reason INTEGER NOT NULL DEFAULT 0, release_use INTEGER NOT NULL DEFAULT 0,
  samples INTEGER NOT NULL DEFAULT 0, class_samples TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS conduct(id TEXT PRIMARY KEY, updates INTEGER NOT NULL, misses INTEGER NOT NULL,
  clipped INTEGER NOT NULL, length REAL, gain REAL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS renewals(device TEXT PRIMARY KEY, number INTEGER NOT NULL, phase TEXT NOT NULL,
  reason TEXT NOT NULL, certificate BLOB, valid_until TEXT NOT NULL, since TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events(id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, level TEXT NOT NULL,
  event TEXT NOT NULL, run INTEGER NOT NULL, device TEXT NOT NULL, text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS audit(id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, who TEXT NOT NULL,
  action TEXT NOT NULL, subject TEXT NOT NULL, detail TEXT NOT NULL);
)";

struct LaterColumn {
  const char* table;
  const char* column;
  const char* sql;
};
constexpr std::array<LaterColumn, 5> kLaterColumns{
    {{"runs", "checkpoint_rounds", "ALTER TABLE runs ADD COLUMN checkpoint_rounds INTEGER NOT NULL DEFAULT 0"},
     {"runs", "gate", "ALTER TABLE runs ADD COLUMN gate TEXT NOT NULL DEFAULT ''"},
     {"schedules", "gate", "ALTER TABLE schedules ADD COLUMN gate TEXT NOT NULL DEFAULT ''"},
     {"devices", "samples", "ALTER TABLE devices ADD COLUMN samples INTEGER NOT NULL DEFAULT 0"},
     {"devices", "class_samples", "ALTER TABLE devices ADD COLUMN class_samples TEXT NOT NULL DEFAULT ''"}}};

constexpr std::array<const char*, 7> kPhases{"queued", "waiting", "running", "paused", "finished", "stopped", "failed"};

Error other_format(const Database& database, const std::string& format) {
  return make_error(Status::kNewerVersion, database.path() + ": its format is '" + format + "', this program reads " +
                                               kFleetFormat + "; use the program that wrote it");
}

}  // namespace

const char* run_phase_text(RunPhase phase) { return kPhases[static_cast<std::size_t>(phase)]; }

std::optional<RunPhase> run_phase_of(std::string_view text) {
  const auto found = std::find(kPhases.begin(), kPhases.end(), text);
  if (found == kPhases.end()) return std::nullopt;
  return static_cast<RunPhase>(found - kPhases.begin());
}

FleetStore::FleetStore(std::unique_ptr<internal::Database> database) : database_(std::move(database)) {}
FleetStore::FleetStore(FleetStore&&) noexcept = default;
FleetStore& FleetStore::operator=(FleetStore&&) noexcept = default;
FleetStore::~FleetStore() = default;

Result<FleetStore> FleetStore::open(const std::string& path, const std::string& fleet) {
  auto database = Database::open(path, kFleetSchema);
  if (!database) return database.error();
  const Database& file = **database;
  const auto format = file.meta("format");
  const auto name = file.meta("fleet");
  if (!format || !name) return (format ? name : format).error();
  if (format->empty()) {
    const auto done = file.transact([&] {
      auto noted = file.set_meta("fleet", fleet);
      return noted ? file.set_meta("format", kFleetFormat) : noted;
    });
    if (!done) return done.error();
  } else if (*format != kFleetFormat) {
    return other_format(file, *format);
  } else if (*name != fleet) {
    return make_error(Status::kInvalidArgument, path + ": is of the fleet '" + *name +
                                                    "', and the configuration says '" + fleet +
                                                    "'; name another state folder");
  }
  FleetStore store(std::move(*database));
  for (const auto& [table, column, sql] : kLaterColumns) {
    if (store.has_column(table, column)) continue;
    const auto added = store.database_->execute(sql);
    if (!added) return added.error();
  }
  return store;
}

/// A file that an earlier program has made has no later column before it is opened for writing.
bool FleetStore::has_column(const char* table, const char* column) const {
  Statement row(database_->get(), "SELECT 1 FROM pragma_table_info(?) WHERE name = ?");
  return row.bind(std::string_view(table)).bind(std::string_view(column)).next();
}

Result<FleetStore> FleetStore::open_to_read(const std::string& path) {
  auto database = Database::open_to_read(path);
  if (!database) return database.error();
  const auto format = (*database)->meta("format");
  if (!format) return format.error();
  if (*format != kFleetFormat) return other_format(**database, *format);
  return FleetStore(std::move(*database));
}

Result<std::string> FleetStore::fleet() const { return database_->meta("fleet"); }

Result<void> FleetStore::note_restored(const std::string& at) { return database_->set_meta("restored", at); }

Result<std::string> FleetStore::restored() const { return database_->meta("restored"); }

// ---- runs -----------------------------------------------------------------------------------------------------------

Result<std::uint32_t> FleetStore::queue_run(const RunOrder& order, std::uint32_t rounds) {
  Statement statement(
      database_->get(),
      "INSERT INTO runs(name, phase, experiment, overrides, init_model, select_group, select_label, "
      "select_firmware, wait_s, rounds, queued, release, kind, checkpoint_rounds, gate, idempotency_key) "
      "VALUES(?, 'queued', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
      "NULLIF(?, '')) ON CONFLICT(idempotency_key) DO UPDATE SET wait_s = wait_s RETURNING number");
  const std::string overrides = internal::encode_overrides(order.overrides);
  const std::string gate = internal::encode_gate(order);
  const std::string now = utc_now();
  statement.bind(std::string_view(order.name)).bind(std::string_view(order.experiment_text));
  statement.bind(std::string_view(overrides)).bind(order.init_model).bind(std::string_view(order.selection.group));
  statement.bind(std::string_view(order.selection.label)).bind(std::string_view(order.selection.firmware));
  statement.bind(order.wait_s).bind(rounds).bind(std::string_view(now));
  statement.bind(std::string_view(release_policy_text(order.release)));
  statement.bind(std::string_view(order.kind == RunKind::kEvaluate ? "evaluate" : "learn"));
  statement.bind(order.checkpoint_rounds).bind(std::string_view(gate));
  statement.bind(std::string_view(order.idempotency_key));
  if (!statement.next()) return database_->failure("the run cannot be queued");
  const std::uint32_t number = statement.count(0);
  if (statement.next() || !statement.ok()) return database_->failure("the run cannot be queued");
  return number;
}

Result<std::vector<RunRow>> FleetStore::read_runs(const std::string& where, std::uint64_t value,
                                                  std::uint32_t limit) const {
  const std::string sql =
      "SELECT number, run, name, phase, reason, experiment, overrides, init_model, select_group, select_label, "
      "select_firmware, wait_s, rounds, rounds_done, queued, begun, ended, release, kind, " +
      std::string(has_column("runs", "checkpoint_rounds") ? "checkpoint_rounds" : "0") +
      (has_column("runs", "gate") ? ", gate" : ", ''") +
      (has_column("trials", "new_run")
           ? ", COALESCE((SELECT t.number FROM trials t WHERE runs.number IN (t.old_run, t.new_run)), 0)"
           : ", 0") +
      " FROM runs WHERE " + where + " ORDER BY number LIMIT ?";
  Statement row(database_->get(), sql.c_str());
  row.bind(value).bind(limit);
  std::vector<RunRow> runs;
  while (row.next()) {
    RunRow run;
    run.number = row.count(0);
    run.run = row.large(1);
    run.order.name = row.text(2);
    const auto phase = run_phase_of(row.text(3));
    if (!phase) return database_->damage("a run has the phase '" + row.text(3) + "'");
    run.phase = *phase;
    run.reason = row.text(4);
    run.order.experiment_text = row.text(5);
    if (!internal::decode_overrides(row.text(6), run.order.overrides)) {
      return database_->damage("the overrides of a run are not a list");
    }
    run.order.init_model = row.count(7);
    run.order.selection = {row.text(8), row.text(9), row.text(10)};
    run.order.wait_s = row.count(11);
    run.rounds = row.count(12);
    run.rounds_done = row.count(13);
    run.queued = row.text(14);
    run.begun = row.text(15);
    run.ended = row.text(16);
    if (!internal::decode_release(row.text(17), row.text(20), run.order)) {
      return database_->damage("a run is released as '" + row.text(17) + "', with the gate '" + row.text(20) + "'");
    }
    run.order.kind = row.text(18) == "evaluate" ? RunKind::kEvaluate : RunKind::kLearn;
    run.order.checkpoint_rounds = row.count(19);
    run.trial = row.count(21);
    runs.push_back(std::move(run));
  }
  if (!row.ok()) return database_->failure("the runs cannot be read");
  if (!row.in_range()) return database_->damage("a number of the runs is out of range");
  return runs;
}

Result<std::vector<RunRow>> FleetStore::runs(const Page& page, std::optional<RunPhase> phase) const {
  std::string where = "number > ?";
  if (phase) where.append(" AND phase = '").append(run_phase_text(*phase)).append("'");
  return read_runs(where, page.after, page.limit);
}

Result<std::optional<RunRow>> FleetStore::run(std::uint32_t number) const {
  auto rows = read_runs("number = ?", number, 1);
  if (!rows) return rows.error();
  return rows->empty() ? std::nullopt : std::optional<RunRow>(std::move(rows->front()));
}

Result<std::uint32_t> FleetStore::run_of_key(const std::string& idempotency_key) const {
  if (idempotency_key.empty()) return 0U;
  Statement row(database_->get(), "SELECT number FROM runs WHERE idempotency_key = ?");
  row.bind(std::string_view(idempotency_key));
  const std::uint32_t number = row.next() ? row.count(0) : 0;
  if (!row.ok()) return database_->failure("the runs cannot be read");
  return number;
}

Result<std::optional<RunRow>> FleetStore::current_run() const {
  auto rows = read_runs("number > ? AND phase NOT IN ('finished', 'stopped', 'failed')", 0, 1);
  if (!rows) return rows.error();
  return rows->empty() ? std::nullopt : std::optional<RunRow>(std::move(rows->front()));
}

Result<std::uint64_t> FleetStore::begin_run(std::uint32_t number, std::uint64_t least) {
  std::uint64_t given = 0;
  const auto done = database_->transact([&]() -> Result<void> {
    Statement known(database_->get(), "SELECT run, (SELECT MAX(run) FROM runs) FROM runs WHERE number = ?");
    if (!known.bind(number).next()) return database_->failure("the run cannot be begun");
    given = known.large(0);
    if (given != 0) return {};
    given = std::max(least, known.large(1) + 1);
    const std::string now = utc_now();
    Statement set(database_->get(), "UPDATE runs SET run = ?, begun = ? WHERE number = ?");
    if (!set.bind(given).bind(std::string_view(now)).bind(number).run()) {
      return database_->failure("the run cannot be begun");
    }
    return {};
  });
  if (!done) return done.error();
  return given;
}

Result<void> FleetStore::renumber_run(std::uint32_t number, std::uint64_t run) {
  Statement set(database_->get(), "UPDATE runs SET run = ? WHERE number = ?");
  if (!set.bind(run).bind(number).run()) return database_->failure("the run cannot be written");
  return {};
}

Result<void> FleetStore::set_phase(std::uint32_t number, RunPhase phase, const std::string& reason,
                                   std::uint32_t rounds_done) {
  const std::string ended = is_over(phase) ? utc_now() : "";
  Statement set(database_->get(), "UPDATE runs SET phase = ?, reason = ?, rounds_done = ?, ended = ? WHERE number = ?");
  set.bind(std::string_view(run_phase_text(phase))).bind(std::string_view(reason)).bind(rounds_done);
  if (!set.bind(std::string_view(ended)).bind(number).run()) return database_->failure("the run cannot be written");
  return {};
}

// ---- models ---------------------------------------------------------------------------------------------------------

Result<std::uint32_t> FleetStore::add_model(const ModelRow& model, const std::vector<std::uint8_t>& file) {
  Statement insert(database_->get(),
                   "INSERT INTO models(sha256, parent, run, rounds, experiment, figures, created, file) "
                   "VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(run, rounds, sha256) DO UPDATE SET run = run "
                   "RETURNING number");
  const std::string now = utc_now();
  insert.bind(std::string_view(model.sha256)).bind(std::string_view(model.parent)).bind(model.run).bind(model.rounds);
  insert.bind(std::string_view(model.experiment)).bind(std::string_view(model.figures)).bind(std::string_view(now));
  if (!insert.bind(file).next()) return database_->failure("the model cannot be written");
  const std::uint32_t number = insert.count(0);
  if (insert.next() || !insert.ok()) return database_->failure("the model cannot be written");
  return number;
}

Result<std::vector<ModelRow>> FleetStore::read_models(const char* where, std::uint64_t value,
                                                      std::uint32_t limit) const {
  const std::string sql =
      "SELECT number, sha256, parent, run, rounds, experiment, figures, created, length(file) FROM models WHERE " +
      std::string(where) + " ORDER BY number LIMIT ?";
  Statement row(database_->get(), sql.c_str());
  row.bind(value).bind(limit);
  std::vector<ModelRow> models;
  while (row.next()) {
    models.push_back({row.count(0), row.text(1), row.text(2), row.count(3), row.count(4), row.text(5), row.text(6),
                      row.text(7), row.large(8)});
  }
  if (!row.ok()) return database_->failure("the models cannot be read");
  if (!row.in_range()) return database_->damage("a number of the models is out of range");
  return models;
}

Result<std::vector<ModelRow>> FleetStore::models(const Page& page) const {
  return read_models("number > ?", page.after, page.limit);
}

Result<std::optional<ModelRow>> FleetStore::model(std::uint32_t number) const {
  auto rows = read_models("number = ?", number, 1);
  if (!rows) return rows.error();
  return rows->empty() ? std::nullopt : std::optional<ModelRow>(std::move(rows->front()));
}

Result<std::vector<std::uint8_t>> FleetStore::model_file(std::uint32_t number) const {
  Statement row(database_->get(), "SELECT file FROM models WHERE number = ?");
  row.bind(number);
  std::vector<std::uint8_t> file;
  if (row.next()) file = row.blob(0);
  if (!row.ok()) return database_->failure("the model cannot be read");
  return file;
}

}  // namespace skink::coordinator
