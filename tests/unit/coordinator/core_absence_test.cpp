/// @file
/// The coordinator's core: devices that are away, slow, or further than the coordinator's own store.

#include "skink/coordinator/core/idle_fleet.hpp"
#include "unit/coordinator/core_bench.hpp"

using namespace skink;
using Bench = test::CoreBench;

namespace {

/// A device that answers its challenge, and says which task it took last.
void come_back(Bench& bench, const std::string& id, const wire::RoundId& last) {
  const wire::Identity identity{id.c_str(), bench.key_of(id)};
  const auto birth = test::birth_message(identity, 0, 0, last);
  bench.challenges.erase(id);
  bench.core.on_state(id, {birth.data(), birth.size()}, bench.now);
  bench.take();
  REQUIRE(bench.challenges.count(id) == 1);
  const auto answer = test::birth_message(identity, bench.challenges.at(id), 0, last);
  bench.core.on_state(id, {answer.data(), answer.size()}, bench.now);
  bench.take();
}

void answer_round(Bench& bench, const std::string& but_for) {
  const std::uint32_t round = bench.core.rounds_done();
  for (const auto& [id, task] : std::map(bench.tasks)) {
    if (id != but_for && task.round == round && bench.core.rounds_done() == round) bench.answer(id);
  }
}

}  // namespace

TEST_CASE("core: whoever clears the retained birth of a device that is there changes nothing",
          "[coordinator][core][absence]") {
  Bench bench;
  const std::string id = bench.first();
  bench.challenges.clear();
  bench.core.on_state(id, {}, bench.now);
  bench.tick(bench.now);
  REQUIRE(bench.challenges.count(id) == 1);
  bench.send_birth(id, bench.challenges.at(id));
  CHECK(bench.core.devices_online() == 4);
  CHECK(bench.events.empty());
}

TEST_CASE("core: a device whose last will came is asked three times, and no more", "[coordinator][core][absence]") {
  Bench bench({{"fleet.deadline_ms", "10000000"}, {"fleet.offline_ms", "10000000"}});
  const std::string id = bench.first();
  bench.core.on_state(id, {}, bench.now);
  int asked = 0;
  for (int step = 0; step < 100; ++step) {
    bench.challenges.clear();
    bench.tick(bench.now + 1000);
    asked += static_cast<int>(bench.challenges.count(id));
  }
  CHECK(asked == 3);
  CHECK(bench.core.devices_online() == 3);
}

TEST_CASE("core: after a lost connection all have to say that they are there", "[coordinator][core][absence]") {
  Bench bench;
  bench.core.on_disconnected();
  bench.challenges.clear();
  bench.core.on_connected(bench.now);
  bench.tick(bench.now);
  CHECK(bench.core.devices_online() == 0);
  REQUIRE(bench.challenges.size() == 4);
  bench.send_birth("a", bench.challenges.at("a"));
  CHECK(bench.core.devices_online() == 1);
}

TEST_CASE("core: after a restart, members that nothing is heard of cost a moment, not a deadline",
          "[coordinator][core][absence]") {
  coordinator::RunSnapshot snapshot;
  snapshot.run = test::kRun;
  snapshot.roster = {"a", "b", "c", "d"};
  auto config = Bench::config({{"fleet.deadline_ms", "20000"}, {"fleet.offline_ms", "400"}});
  coordinator::Coordinator core(config, &snapshot);
  core.on_connected(0);
  std::size_t replaced = 0;
  const auto count = [&] {
    for (const auto& action : core.take_actions())
      replaced += static_cast<std::size_t>(std::holds_alternative<coordinator::CommitEvent>(action));
  };
  core.on_time(9999);
  count();
  CHECK(replaced == 0);
  core.on_time(10000);
  count();
  CHECK(replaced > 0);
}

TEST_CASE("core: a device that is there and never gets ready rests longer and longer", "[coordinator][core][absence]") {
  Bench bench(std::vector<Override>{{"meta.rounds", "200"}});
  const std::string wedged = bench.first();
  std::uint64_t waited = 0;
  while (bench.core.rounds_done() < 150) {
    const std::uint32_t round = bench.core.rounds_done();
    answer_round(bench, wedged);
    if (bench.core.rounds_done() == round) {  // it has a slot
      const std::uint64_t before = bench.now;
      bench.tick(before + 1000);
      waited += 1000;
      if (bench.challenges.count(wedged) != 0) bench.send_birth(wedged, bench.challenges.at(wedged));
      answer_round(bench, wedged);
    }
    bench.tick(bench.now + 100);
  }
  CHECK(bench.now > 15000);
  CHECK(waited <= 3000);
  bool says_so = false;
  for (const auto& event : bench.events) says_so |= event.detail.find("not asked again for 4 s") != std::string::npos;
  CHECK(says_so);
}

TEST_CASE("core: a run whose devices are further than its store goes on under another number",
          "[coordinator][core][absence]") {
  Bench bench;
  std::vector<std::uint64_t> numbers;
  const std::string id = bench.first();
  come_back(bench, id, {test::kRun, 0, 0});
  CHECK(bench.core.run() == test::kRun);
  SECTION("the same run, a later round: a restored backup") {
    come_back(bench, id, {test::kRun, 2, 0});
    CHECK(bench.core.run() == test::kRun + 1);
  }
  SECTION("a later run: a clock that was behind") {
    come_back(bench, id, {1234567890123, 7, 0});
    CHECK(bench.core.run() == 1234567890124);
  }
  for (const auto& [device, task] : bench.tasks) {
    if (task.round == 0) CHECK(task.run == bench.core.run());
  }
  while (bench.core.phase() != coordinator::Phase::kFinished) answer_round(bench, "");
  CHECK(bench.core.rounds_done() == 3);
}

TEST_CASE("core: a device cannot send the numbers of runs where it likes", "[coordinator][core][absence]") {
  Bench bench;
  const std::string id = bench.first();
  come_back(bench, id, {~std::uint64_t{0}, 0, 0});
  CHECK(bench.core.run() == test::kRun);
  for (int i = 0; i < 100; ++i) come_back(bench, id, {bench.core.run(), 9, 0});
  CHECK(bench.core.run() == test::kRun + 8);
  bench.tick(bench.now + 60000);
  come_back(bench, id, {bench.core.run(), 9, 0});
  CHECK(bench.core.run() == test::kRun + 9);
}

TEST_CASE("idle fleet: an update that nobody waits for is answered, so that its device goes on",
          "[coordinator][core][absence]") {
  coordinator::DeviceBook book(crypto::Key{}, "demo", 1);
  coordinator::IdleFleet idle(book);
  idle.on_connected(0);
  const crypto::Key key = book.key_of("a");
  const wire::Identity identity{"a", key};
  wire::Update update;
  update.id = {7, 3, 1};
  update.outcome = wire::Outcome::kDiverged;
  update.chunk_count = 1;
  const auto message = test::update_message(identity, update, {});
  idle.on_update("a", {message.data(), message.size()});
  CHECK(idle.take_actions().empty());  // nothing authentic came from it yet: it costs nothing
  const auto birth = test::birth_message(identity, 0);
  idle.on_state("a", {birth.data(), birth.size()}, 0);
  (void)idle.take_actions();
  idle.on_update("a", {message.data(), message.size() - 1});
  CHECK(idle.take_actions().empty());
  idle.on_update("a", {message.data(), message.size()});
  const auto actions = idle.take_actions();
  REQUIRE(actions.size() == 1);
  const auto& publish = std::get<coordinator::Publish>(actions[0]);
  CHECK(publish.topic == wire::TopicKind::kReply);
  wire::Reply reply{};
  REQUIRE(wire::decode_reply({publish.payload.data(), publish.payload.size()}, identity, reply) == Status::kOk);
  CHECK((reply.run == 7 && reply.round == 3 && reply.attempt == 1));
  CHECK(reply.verdict == skink_wire_Verdict_VERDICT_REFUSED);
}
