#include "skink/coordinator/store/store.hpp"

#include <catch2/catch.hpp>
#include <fstream>

#include "fakes/scratch_folder.hpp"

using namespace skink;
using namespace skink::coordinator;
using Folder = test::ScratchFolder;

namespace {

template <class T>
bool ok(const Result<T>& result) {
  if (!result) UNSCOPED_INFO(result.error().message);
  return result.has_value();
}

Store opened(const std::string& path) {
  auto store = Store::open(path);
  if (!store) FAIL(store.error().message);
  return std::move(*store);
}

CommitRound round_commit(std::uint32_t round) {
  CommitRound commit;
  commit.record.round = round;
  commit.record.updates = 3;
  commit.record.meta_learning_rate = 0.25;
  commit.record.model_sha256 = "hash" + std::to_string(round);
  commit.record.traffic = {100ULL * (round + 1), 200ULL * (round + 1), round + 1};
  commit.model = {static_cast<std::uint8_t>(round), 1, 2, 3};
  return commit;
}

}  // namespace

TEST_CASE("store: patches that may still be needed, and the last residual, come back", "[coordinator][store]") {
  const Folder folder;
  Store store = opened(folder.file("run.db"));
  REQUIRE(ok(store.begin_run({77, "name", "text = 1\n", {}})));
  for (std::uint32_t round = 0; round < 4; ++round) {
    CommitRound commit = round_commit(round);
    commit.patch.round = round;
    commit.patch.base.bytes[5] = static_cast<std::uint8_t>(round + 1);
    if (round != 2) commit.patch.bytes = {7, static_cast<std::uint8_t>(round)};  // round 2 changed nothing
    commit.first_patch = round < 2 ? 0 : round - 1;
    commit.residual = {0.5F * static_cast<float>(round), -3.0F};
    REQUIRE(ok(store.commit(commit, 0)));
  }
  const auto snapshot = store.load();
  REQUIRE(ok(snapshot));
  REQUIRE(snapshot->patches.size() == 2);
  CHECK(snapshot->patches[0].round == 2);
  CHECK(snapshot->patches[0].bytes.empty());
  CHECK(snapshot->patches[1].round == 3);
  CHECK(snapshot->patches[1].base.bytes[5] == 4);
  CHECK(snapshot->patches[1].bytes == std::vector<std::uint8_t>{7, 3});
  CHECK(snapshot->downlink_residual == std::vector<float>{1.5F, -3.0F});
  CommitRound commit = round_commit(4);  // its patch is longer than the model
  commit.first_patch = 5;
  REQUIRE(ok(store.commit(commit, 0)));
  CHECK(store.load()->patches.empty());
}

TEST_CASE("store: what the strategy keeps comes back, of the last round only", "[coordinator][store]") {
  const Folder folder;
  Store store = opened(folder.file("run.db"));
  REQUIRE(ok(store.begin_run({77, "name", "text = 1\n", {}})));
  CHECK(store.load()->strategy_state.empty());
  for (std::uint8_t round = 0; round < 3; ++round) {
    CommitRound commit = round_commit(round);
    commit.strategy_state = {round, 7};
    REQUIRE(ok(store.commit(commit, 0)));
    CHECK(store.load()->strategy_state == std::vector<std::uint8_t>{round, 7});
  }
}

TEST_CASE("store: what was committed comes back", "[coordinator][store]") {
  const Folder folder;
  {
    Store store = opened(folder.file("a/run.db"));
    REQUIRE_FALSE(*store.has_run());
    REQUIRE(ok(store.begin_run({77, "name", "text = 1\n", {{"meta.rounds", "3"}}})));
    REQUIRE(ok(store.commit(CommitRoster{{"a", "b"}}, 0)));
    REQUIRE(ok(store.commit(CommitEvent{{0, EventKind::kReplaced, 1, 1, 3, wire::Refusal::kLate, "a: why"}}, 0)));
    REQUIRE(ok(store.commit(round_commit(0), 0)));
    rounds::EvaluationRecord evaluation;
    evaluation.rounds = 1;
    evaluation.total.loss_after = std::uint64_t{1} << 50;
    evaluation.reports = {{0, {1, 20, 5, 10, 300, 200, 0}}, {1, {1, 20, 0, 0, 0, std::uint64_t{1} << 45, 1}}};
    REQUIRE(ok(store.commit(CommitEvaluation{evaluation}, 0)));
    REQUIRE(ok(store.commit({}, {{{"a", true, "then", "fw", 10, 255, 3, 500, 700}}, {{"late", 4}}}, 0)));
    REQUIRE(ok(store.commit({}, {{{"a", false, "now", "", 0, 0, 0, 0, 0}}, {}}, 0)));
  }
  const Store store = opened(folder.file("a/run.db"));
  REQUIRE(*store.has_run());
  const auto snapshot = store.load();
  REQUIRE(ok(snapshot));
  CHECK(snapshot->run == 77);
  CHECK(snapshot->experiment_text == "text = 1\n");
  REQUIRE(snapshot->overrides.size() == 1);
  CHECK(snapshot->overrides[0].value == "3");
  CHECK(snapshot->roster == std::vector<std::string>{"a", "b"});
  REQUIRE(snapshot->transcript.size() == 1);
  CHECK(snapshot->transcript[0].reason == wire::Refusal::kLate);
  CHECK(snapshot->transcript[0].detail == "a: why");
  CHECK(snapshot->rounds_done == 1);
  CHECK(snapshot->model == std::vector<std::uint8_t>{0, 1, 2, 3});
  CHECK(snapshot->traffic.downlink_bytes == 200);
  REQUIRE(snapshot->evaluations.size() == 1);
  CHECK(snapshot->evaluations[0].total.loss_after == std::uint64_t{1} << 50);
  REQUIRE(snapshot->evaluations[0].reports.size() == 2);
  CHECK(snapshot->evaluations[0].reports[0].sums.correct_after == 10);
  CHECK(snapshot->evaluations[0].reports[1].device_index == 1);
  CHECK(snapshot->evaluations[0].reports[1].sums.loss_after == std::uint64_t{1} << 45);
  CHECK(snapshot->evaluations[0].reports[1].sums.diverged_tasks == 1);
  CHECK_FALSE(snapshot->finished);
  REQUIRE(ok(store.devices()));
  const auto device = store.devices()->at(0);
  CHECK_FALSE(device.online);
  CHECK(device.last_seen == "now");
  CHECK(device.firmware == "fw");  // of the last birth
  CHECK(device.arena_bytes == 10);
  CHECK(device.reset_reason == 3);
  CHECK(device.free_bytes == 500);
  CHECK(device.stack_used_bytes == 700);
  CHECK(store.refusals()->at(0).count == 4);
}

TEST_CASE("store: evaluations are read in parts", "[coordinator][store]") {
  const Folder folder;
  Store store = opened(folder.file("run.db"));
  REQUIRE(ok(store.begin_run({77, "name", "text = 1\n", {}})));
  REQUIRE(ok(store.commit(CommitRoster{{"a", "b"}}, 0)));
  rounds::EvaluationRecord evaluation;
  REQUIRE(ok(store.commit(CommitEvaluation{evaluation}, 0)));  // nobody has reported
  REQUIRE(ok(store.commit(round_commit(0), 0)));
  evaluation.rounds = 1;
  evaluation.reports = {{0, {1, 20, 5, 10, 300, 200, 0}}, {1, {1, 20, 0, 0, 0, std::uint64_t{1} << 45, 1}}};
  REQUIRE(ok(store.commit(CommitEvaluation{evaluation}, 0)));
  const auto evaluations = store.evaluations(0, 5);
  REQUIRE(ok(evaluations));
  REQUIRE(evaluations->size() == 2);
  CHECK(evaluations->front().duration_ms == 0);
  CHECK(evaluations->back().record.reports.size() == 2);
  CHECK(evaluations->back().duration_ms == store.rounds()->at(0).duration_ms);
  CHECK(store.evaluations(0, 1)->size() == 1);
  CHECK(store.evaluations(1, 5)->front().record.rounds == 1);
  CHECK(store.evaluations(1, 5)->front().duration_ms == store.rounds()->at(0).duration_ms);
  CHECK(store.evaluations(2, 5)->empty());
  const auto reports = store.reports(1, "", 5);
  REQUIRE(ok(reports));
  REQUIRE(reports->size() == 2);
  CHECK(reports->at(1).device == "b");
  CHECK(store.reports(1, "a", 5)->at(0).sums.diverged_tasks == 1);
  CHECK(store.reports(7, "", 5)->empty());
  REQUIRE(store.reports_of("a", 0, 5)->size() == 1);
  CHECK(store.reports_of("a", 0, 5)->at(0).sums.correct_after == 10);
  CHECK(store.reports_of("a", 2, 5)->empty());
  CHECK(store.reports_of("c", 0, 5)->empty());
  CHECK(store.latest_model()->bytes == 4);
  CHECK(store.latest_model()->roster == 2);
}

TEST_CASE("store: keeps the latest two models and the checkpoints", "[coordinator][store]") {
  const Folder folder;
  Store store = opened(folder.file("run.db"));
  for (std::uint32_t round = 0; round < 10; ++round) REQUIRE(ok(store.commit(round_commit(round), 4)));
  const std::string dump = folder.file("dump.txt");
  const std::string command = "sqlite3 '" + folder.file("run.db") + "' 'SELECT rounds FROM models' > '" + dump + "'";
  if (std::system("command -v sqlite3 > /dev/null") != 0) {
    WARN("SKIPPED: sqlite3 is not installed");
    return;
  }
  REQUIRE(std::system(command.c_str()) == 0);
  std::ifstream in(dump);
  std::vector<int> kept;
  for (int rounds = 0; in >> rounds;) kept.push_back(rounds);
  CHECK(kept == std::vector<int>{4, 8, 9, 10});
}

TEST_CASE("store: a round cannot be committed twice", "[coordinator][store]") {
  const Folder folder;
  Store store = opened(folder.file("run.db"));
  REQUIRE(ok(store.commit(round_commit(0), 0)));
  const auto again = store.commit(round_commit(0), 0);
  REQUIRE_FALSE(ok(again));
  CHECK(again.error().message.find("round") != std::string::npos);
  CHECK(store.rounds()->size() == 1);
}

TEST_CASE("store: a second coordinator is refused, a reader is not", "[coordinator][store]") {
  const Folder folder;
  {
    const Store first = opened(folder.file("run.db"));
    const auto second = Store::open(folder.file("run.db"));
    REQUIRE_FALSE(ok(second));
    CHECK(second.error().message.find("another coordinator") != std::string::npos);
    CHECK(ok(Store::open_to_read(folder.file("run.db"))));
  }
  CHECK(ok(Store::open(folder.file("run.db"))));
}

TEST_CASE("store: files that are no store are refused with their name", "[coordinator][store]") {
  const Folder folder;
  const std::string path = folder.file("not-a-store");
  std::ofstream(path) << "this is a text, long enough to be no empty database, and certainly not SQLite\n";
  const auto opened_to_write = Store::open(path);
  REQUIRE_FALSE(ok(opened_to_write));
  CHECK(opened_to_write.error().message.find(path) != std::string::npos);
  REQUIRE_FALSE(ok(Store::open_to_read(path)));
  const auto absent = Store::open_to_read(folder.file("absent.db"));
  REQUIRE_FALSE(ok(absent));
  CHECK(absent.error().message.find("absent.db") != std::string::npos);
}
