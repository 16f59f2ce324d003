/// @file
/// Stores that were damaged, or edited by hand: an error that names the file, never an exception or a number that is
/// believed.

#include <sqlite3.h>
#include <catch2/catch.hpp>
#include <fstream>
#include <random>

#include "fakes/scratch_folder.hpp"
#include "skink/coordinator/store/store.hpp"

using namespace skink;
using namespace skink::coordinator;
using Folder = test::ScratchFolder;

namespace {

void write_sound(const std::string& path) {
  auto store = Store::open(path);
  REQUIRE(store.has_value());
  REQUIRE(store->begin_run({77, "name", "text = 1\n", {{"meta.rounds", "3"}}}).has_value());
  CommitRound round;
  round.model = {1, 2, 3};
  round.patch.base.bytes[0] = 1;
  round.residual = {1.0F};
  rounds::EvaluationRecord evaluation;
  evaluation.total.query_samples = std::uint64_t{1} << 33;
  evaluation.reports = {{1, {1, 20, 5, 10, 300, 200, 0}}};
  const std::vector<Action> actions{
      CommitRoster{{"a", "b"}},
      CommitEvent{{0, EventKind::kReplaced, 1, 1, 3, wire::Refusal::kLate, "a: why", 0}},
      CommitEvent{{0, EventKind::kSamples, 1, 1, 3, wire::Refusal::kNone, "b", 3}},
      round,
      CommitEvaluation{evaluation},
  };
  REQUIRE(store->commit({actions.data(), actions.size()}, {}, 0).has_value());
}

void edit(const std::string& path, const std::string& sql) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
  REQUIRE(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(database);
}

}  // namespace

TEST_CASE("store: a sound one comes back whole, sums above 32 bits included", "[coordinator][store]") {
  const Folder folder;
  write_sound(folder.file("run.db"));
  const auto store = Store::open_to_read(folder.file("run.db"));
  REQUIRE(store.has_value());
  const auto snapshot = store->load();
  REQUIRE(snapshot.has_value());
  CHECK(snapshot->evaluations[0].total.query_samples == std::uint64_t{1} << 33);
  REQUIRE(snapshot->transcript.size() == 2);
  CHECK(snapshot->transcript[1].kind == EventKind::kSamples);
  CHECK(snapshot->transcript[1].support_samples == 3);
}

TEST_CASE("store: a value that no coordinator writes is an error that names the file", "[coordinator][store]") {
  const Folder folder;
  const std::string path = folder.file("run.db");
  write_sound(path);
  const std::string sql = GENERATE(
      as<std::string>(),  //
      "UPDATE meta SET value = '' WHERE key = 'run'", "UPDATE meta SET value = 'x7' WHERE key = 'run'",
      "UPDATE meta SET value = '99999999999999999999999' WHERE key = 'run'",
      "UPDATE meta SET value = '[1]' WHERE key = 'overrides'",
      "UPDATE meta SET value = '[{\"key\":1,\"value\":2}]' WHERE key = 'overrides'",
      "UPDATE meta SET value = 'nothing' WHERE key = 'overrides'",
      "UPDATE roster SET id = '../a' WHERE device_index = 0", "UPDATE roster SET id = 'z' WHERE device_index = 0",
      "UPDATE roster SET device_index = 9 WHERE device_index = 1", "UPDATE events SET kind = 99",
      "UPDATE events SET kind = 0", "UPDATE events SET reason = 200", "UPDATE events SET round = -1",
      "UPDATE events SET device_index = 2 WHERE kind = 1", "UPDATE events SET slot = 5000000000",
      "UPDATE events SET round = 3 WHERE sequence = 1", "UPDATE models SET rounds = -1",
      "UPDATE patches SET base = x'00'", "UPDATE evaluations SET rounds = -1", "UPDATE evaluations SET rounds = 1",
      "UPDATE reports SET device_index = 2", "UPDATE reports SET rounds = 7", "DROP TABLE reports", "DROP TABLE events",
      "DROP TABLE models");
  edit(path, sql);
  INFO(sql);
  const auto store = Store::open_to_read(path);
  REQUIRE(store.has_value());
  const auto snapshot = store->load();
  REQUIRE_FALSE(snapshot.has_value());
  INFO(snapshot.error().message);
  CHECK(snapshot.error().message.rfind(path, 0) == 0);
}

TEST_CASE("store: bytes that were changed give an error or a run, never an exception", "[coordinator][store]") {
  const Folder folder;
  const std::string sound = folder.file("sound.db");
  write_sound(sound);
  std::string bytes;
  {
    std::ifstream file(sound, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(file), {});
  }
  std::mt19937 random(5);
  for (int i = 0; i < 300; ++i) {
    std::string changed = bytes;
    for (int k = 0; k < 1 + i % 8; ++k) changed[random() % changed.size()] = static_cast<char>(random());
    const std::string path = folder.file("changed.db");
    std::ofstream(path, std::ios::binary).write(changed.data(), static_cast<std::streamsize>(changed.size()));
    const auto store = Store::open_to_read(path);
    if (!store) continue;
    CHECK_NOTHROW((void)store->load());
    CHECK_NOTHROW((void)store->rounds());
    CHECK_NOTHROW((void)store->devices());
  }
}

TEST_CASE("store: one of the format before is read, and upgraded when it is opened for writing",
          "[coordinator][store]") {
  const Folder folder;
  const std::string path = folder.file("run.db");
  write_sound(path);
  edit(path,
       "DELETE FROM events WHERE kind = 8; ALTER TABLE events DROP COLUMN support_samples; "
       "UPDATE meta SET value = 'skink-store-3' WHERE key = 'format'");
  const auto reading = Store::open_to_read(path);
  REQUIRE(reading.has_value());
  REQUIRE(reading->load().has_value());
  CHECK(reading->load()->transcript.size() == 1);
  auto writing = Store::open(path);
  REQUIRE(writing.has_value());
  REQUIRE(writing->commit(CommitEvent{{1, EventKind::kSamples, 0, 0, 0, wire::Refusal::kNone, "a", 2}}, 0).has_value());
  CHECK(writing->load()->transcript.back().support_samples == 2);
}

TEST_CASE("store: format 4 has no table of the strategy, and gets one", "[coordinator][store]") {
  const Folder folder;
  const std::string path = folder.file("run.db");
  write_sound(path);
  edit(path, "DROP TABLE strategy; UPDATE meta SET value = 'skink-store-4' WHERE key = 'format'");
  const auto reading = Store::open_to_read(path);
  REQUIRE(reading.has_value());
  REQUIRE(reading->load().has_value());
  CHECK(reading->load()->strategy_state.empty());
  auto writing = Store::open(path);
  REQUIRE(writing.has_value());
  CommitRound commit;
  commit.record.round = 6;
  commit.record.model_sha256 = "hash";
  commit.model = {1};
  commit.strategy_state = {1, 2, 3};
  REQUIRE(writing->commit(commit, 0).has_value());
  CHECK(writing->load()->strategy_state == std::vector<std::uint8_t>{1, 2, 3});
}

TEST_CASE("store: a batch is committed whole or not at all", "[coordinator][store]") {
  const Folder folder;
  const std::string path = folder.file("run.db");
  write_sound(path);
  auto store = Store::open(path);
  REQUIRE(store.has_value());
  CommitRound twice;  // round 0 is there already
  const std::vector<Action> actions{CommitEvent{{1, EventKind::kDropped, 0, 0, 0, wire::Refusal::kLate, "a", 0}},
                                    twice};
  REQUIRE_FALSE(store->commit({actions.data(), actions.size()}, {}, 0).has_value());
  CHECK(store->load()->transcript.size() == 2);
}
