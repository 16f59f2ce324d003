/// @file
/// A sound store, damaged: bytes of the file changed, or values of its rows. Whatever is read of it is a snapshot or an
/// error that names the file; nothing is thrown, and a coordinator goes on from the snapshot or says why it cannot.

#include <sqlite3.h>

#include <cstring>
#include <filesystem>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "fakes/scratch_folder.hpp"
#include "harness.hpp"
#include "skink/common/little_endian.hpp"
#include "skink/coordinator/store/store.hpp"

namespace skink::test {
namespace {

namespace coord = skink::coordinator;

constexpr const char* kExperiment = R"(name = "fuzz"
[model]
input = [1]
loss = "mean_squared_error"
layers = [ { type = "dense", units = 1 } ]
[task]
source = "sine"
support_size = 4
[meta]
strategy = "tinyreptile"
rounds = 3
cohort = 2
inner_learning_rate = 0.01
[codec]
downlink = "int8"
[evaluation]
tasks = 2
[fleet]
devices = 4
held_out = 1
)";

std::vector<std::uint8_t> sound_store(const std::string& path) {
  auto store = coord::Store::open(path);
  promise(store.has_value(), "a store is made");
  promise(store->begin_run({77, "fuzz", kExperiment, {{"meta.rounds", "4"}}}).has_value(), "and a run in it");
  const auto experiment = parse_experiment(kExperiment, "fuzz.toml");
  promise(experiment.has_value(), experiment ? "" : experiment.error().message.c_str());
  coord::CoordinatorConfig config;
  config.experiment = *experiment;
  const coord::Coordinator fresh(config);
  coord::CommitRound round;
  round.record.updates = 2;
  round.record.model_sha256 = std::string(64, 'a');
  round.model = fresh.model().file();
  round.patch.bytes = {1, 2, 3};
  round.residual = {0.5F, -0.5F};
  round.strategy_state = {1, 2, 3};
  const std::vector<coord::Action> actions{
      coord::CommitRoster{{"a", "b", "c", "d"}},
      coord::CommitEvent{{0, coord::EventKind::kReplaced, 1, 1, 3, wire::Refusal::kLate, "a: why", 0}},
      coord::CommitEvent{{0, coord::EventKind::kSamples, 0, 0, 0, wire::Refusal::kNone, "b", 3}}, round,
      coord::CommitEvaluation{}};
  coord::StoreNotes notes;
  notes.devices = {{"a", true, "2026-01-01T00:00:00Z", "1.0", 1000, 50, 1, 2, 3}};
  notes.refusals = {{"late", 4}};
  promise(store->commit({actions.data(), actions.size()}, notes, 0).has_value(), "with a round");
  store = coord::Store::open_to_read(path);  // closes the writer, which ends the log
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// Triples: a place (32 bits, modulo the length) and what to put there.
void change_bytes(Bytes changes, std::vector<std::uint8_t>& file) {
  for (; changes.size() >= 5; changes = changes.subspan(5)) {
    file[load_u32(changes.data()) % file.size()] = changes[4];
  }
}

struct Column {
  const char* table;
  const char* name;
};
constexpr Column kColumns[] = {{"meta", "value"},
                               {"roster", "device_index"},
                               {"roster", "id"},
                               {"rounds", "round"},
                               {"rounds", "updates"},
                               {"rounds", "meta_learning_rate"},
                               {"rounds", "uplink_bytes"},
                               {"rounds", "device_rounds"},
                               {"rounds", "model_sha256"},
                               {"models", "rounds"},
                               {"models", "is_checkpoint"},
                               {"models", "file"},
                               {"patches", "round"},
                               {"patches", "base"},
                               {"patches", "bytes"},
                               {"downlink", "rounds"},
                               {"downlink", "residual"},
                               {"events", "round"},
                               {"events", "kind"},
                               {"events", "slot"},
                               {"events", "device_index"},
                               {"events", "attempt"},
                               {"events", "reason"},
                               {"events", "detail"},
                               {"events", "support_samples"},
                               {"evaluations", "rounds"},
                               {"evaluations", "devices"},
                               {"evaluations", "tasks"},
                               {"evaluations", "query_samples"},
                               {"evaluations", "loss_before"},
                               {"devices", "id"},
                               {"devices", "arena_bytes"},
                               {"devices", "battery_percent"},
                               {"refusals", "reason"},
                               {"refusals", "count"}};

void bind(sqlite3_stmt* statement, std::uint8_t type, Bytes value) {
  const int length = static_cast<int>(value.size());
  const char* text = reinterpret_cast<const char*>(value.data());
  std::uint8_t number[8] = {};
  if (!value.empty()) std::memcpy(number, value.data(), value.size() < 8 ? value.size() : 8);
  switch (type % 5) {
    case 0: sqlite3_bind_int64(statement, 1, static_cast<sqlite3_int64>(load_u64(number))); return;
    case 1: sqlite3_bind_text(statement, 1, text, length, SQLITE_TRANSIENT); return;
    case 2: sqlite3_bind_blob(statement, 1, value.data(), length, SQLITE_TRANSIENT); return;
    case 3: sqlite3_bind_double(statement, 1, static_cast<double>(load_float(number))); return;
    default: sqlite3_bind_null(statement, 1); return;
  }
}

/// Column, type, length of the value, the value; one after the other. What SQLite itself refuses stays as it was.
void change_rows(Bytes changes, const std::string& path) {
  sqlite3* database = nullptr;
  promise(sqlite3_open(path.c_str(), &database) == SQLITE_OK, "SQLite opens it");
  while (changes.size() >= 3) {
    const Column& column = kColumns[changes[0] % std::size(kColumns)];
    const std::size_t length = changes[2] < changes.size() - 3 ? changes[2] : changes.size() - 3;
    const std::string sql = std::string("UPDATE ") + column.table + " SET " + column.name + " = ?1" +
                            (std::strcmp(column.table, "meta") == 0 ? " WHERE key = 'experiment'" : "");
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(database, sql.c_str(), -1, &statement, nullptr) == SQLITE_OK) {
      bind(statement, changes[1], changes.subspan(3, length));
      sqlite3_step(statement);
    }
    sqlite3_finalize(statement);
    changes = changes.subspan(3 + length);
  }
  sqlite3_close(database);
}

template <class T>
bool holds(const Result<T>& result) {
  promise(result || result.error().message.find("fuzz.db") != std::string::npos, "the reason names the file");
  return result.has_value();
}

void go_on(const coord::RunSnapshot& snapshot) {
  const auto experiment = parse_experiment(snapshot.experiment_text, "stored", snapshot.overrides);
  if (!experiment || make_network(experiment->model).parameter_count() > 10000) return;
  if (experiment->fleet.devices > 1000 || experiment->meta.cohort > 1000) return;
  coord::CoordinatorConfig config;
  config.experiment = *experiment;
  config.mode = coordinator::RunMode::kReplay;
  try {
    coord::Coordinator coordinator(config, &snapshot);
    coordinator.on_connected(0);
    static_cast<void>(coordinator.take_actions());
  } catch (const std::runtime_error&) {  // the snapshot's model is not the experiment's, as is documented
  }
}

void read(const std::string& path) {
  const auto store = coord::Store::open_to_read(path);
  if (!holds(store)) return;
  const auto snapshot = store->load();
  if (holds(snapshot)) go_on(*snapshot);
  static_cast<void>(holds(store->rounds()));
  static_cast<void>(holds(store->devices()));
  static_cast<void>(holds(store->refusals()));
}

}  // namespace

void fuzz_store(Bytes input) {
  static const ScratchFolder folder;
  static const std::vector<std::uint8_t> sound = sound_store(folder.file("sound.db"));
  if (input.empty()) return;
  const std::string path = folder.file("fuzz.db");
  for (const char* left : {"-wal", "-shm", "-journal"}) std::filesystem::remove(path + left);
  std::vector<std::uint8_t> file = sound;
  const bool by_row = input[0] % 2 != 0;
  if (!by_row) change_bytes(input.subspan(1), file);
  folder.write("fuzz.db", {file.data(), file.size()});
  if (by_row) change_rows(input.subspan(1), path);
  read(path);
}

}  // namespace skink::test
