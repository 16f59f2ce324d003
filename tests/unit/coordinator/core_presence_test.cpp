/// @file
/// The coordinator's core: who is there. Births may be forged, repeated by a broker, or left over from devices that are
/// gone; only an answer to a challenge counts.

#include "unit/coordinator/core_bench.hpp"

using namespace skink;
using Bench = test::CoreBench;
using coordinator::Coordinator;

namespace {

/// A core that nobody has talked to yet.
struct Quiet : Bench {
  explicit Quiet(const std::vector<Override>& overrides = {}) : Bench(Nobody{}, overrides) {}
};

}  // namespace

TEST_CASE("core: a birth without the device's code costs no memory and asks nobody", "[coordinator][core][presence]") {
  Quiet bench;
  std::vector<std::uint8_t> forged = bench.encode_birth("a", 0);
  forged.back() ^= 1;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = "stranger-" + std::to_string(i);
    bench.core.on_state(id, {forged.data(), forged.size()}, 0);
    bench.core.on_state(id, {}, 0);  // a last will of nobody
  }
  const std::vector<std::uint8_t> of_another = bench.encode_birth("b", 0);
  bench.core.on_state("a", {of_another.data(), of_another.size()}, 0);
  bench.core.on_state("a", {forged.data(), 3}, 0);
  bench.take();
  CHECK(bench.refused(wire::Refusal::kWrongAuthentication) == 1002);
  CHECK(bench.challenges.empty());
  CHECK(bench.core.devices_unconfirmed() == 0);
  CHECK(bench.core.take_device_news().empty());
  CHECK(bench.events.empty());
}

TEST_CASE("core: devices that a broker remembers, and that do not answer, do not enter the roster",
          "[coordinator][core][presence]") {
  Quiet bench;
  for (const char* id : {"a", "b", "c", "d"}) bench.send_birth(id, 0);
  bench.take();
  CHECK(bench.core.phase() == coordinator::Phase::kWaitingForFleet);
  CHECK(bench.core.devices_online() == 0);
  CHECK(bench.core.devices_unconfirmed() == 4);
  REQUIRE(bench.challenges.size() == 4);
  for (const char* id : {"a", "b", "c"}) bench.send_birth(id, bench.challenges.at(id));
  bench.send_birth("d", bench.challenges.at("a"));  // another one's answer is none
  bench.take();
  CHECK(bench.core.devices_online() == 3);
  CHECK(bench.core.phase() == coordinator::Phase::kWaitingForFleet);
  bench.send_birth("d", bench.challenges.at("d"));
  bench.take();
  CHECK(bench.core.phase() == coordinator::Phase::kTraining);
  CHECK(bench.core.roster() == std::vector<std::string>{"a", "b", "c", "d"});
}

TEST_CASE("core: a challenge that is not answered is sent again, less and less often",
          "[coordinator][core][presence]") {
  Quiet bench;
  bench.send_birth("a", 0);
  bench.take();
  const std::uint64_t challenge = bench.challenges.at("a");
  std::vector<std::uint64_t> again;
  while (again.size() < 7) {
    bench.challenges.clear();
    bench.tick(bench.core.next_wake_ms());
    REQUIRE(bench.challenges.size() == 1);
    CHECK(bench.challenges.at("a") == challenge);
    again.push_back(bench.now);
  }
  CHECK(again == std::vector<std::uint64_t>{5000, 15000, 35000, 75000, 135000, 195000, 255000});
}

TEST_CASE("core: an answer that was recorded proves nothing to another coordinator, or after a connection",
          "[coordinator][core][presence]") {
  Quiet bench;
  bench.send_birth("a", 0);
  bench.take();
  const std::uint64_t recorded = bench.challenges.at("a");
  bench.send_birth("a", recorded);
  CHECK(bench.core.devices_online() == 1);
  bench.core.on_state("a", {}, 0);
  bench.core.on_disconnected();
  bench.core.on_connected(0);
  bench.send_birth("a", recorded);
  bench.take();
  CHECK(bench.core.devices_online() == 0);
  CHECK(bench.challenges.at("a") != recorded);

  coordinator::CoordinatorConfig config = Bench::config();
  config.nonce = 1;
  Coordinator other(config);
  other.on_connected(0);
  const auto answer = bench.encode_birth("a", recorded);
  other.on_state("a", {answer.data(), answer.size()}, 0);
  CHECK(other.devices_online() == 0);
}

TEST_CASE("core: a device that is silent costs one deadline, and is back when it answers",
          "[coordinator][core][presence]") {
  Bench bench;
  const std::string silent = bench.first();
  const std::string other = bench.second();
  bench.answer(other);
  bench.tick(1000);  // the deadline
  CHECK(bench.core.devices_online() == 3);
  REQUIRE(bench.challenges.count(silent) == 1);
  for (int round = 0; round < 3 && bench.core.rounds_done() < 2; ++round) {
    const std::uint64_t before = bench.now;
    for (const auto& [id, task] : std::map(bench.tasks)) {
      if (id != silent && task.round == bench.core.rounds_done()) bench.answer(id);
    }
    bench.tick(bench.now + 1);
    CHECK(bench.now - before < 1000);
  }
  bench.send_birth(silent, bench.challenges.at(silent));
  CHECK(bench.core.devices_online() == 4);
}

TEST_CASE("core: news of devices are told once, and only of those that are there", "[coordinator][core][presence]") {
  Quiet bench;
  bench.send_birth("a", 0);
  CHECK(bench.core.take_device_news().empty());
  bench.take();
  bench.send_birth("a", bench.challenges.at("a"), 7);
  auto news = bench.core.take_device_news();
  REQUIRE(news.size() == 1);
  CHECK((news[0].id == "a" && news[0].online && news[0].birth.model == 7));
  bench.core.on_state("a", {}, 0);
  bench.core.on_state("a", {}, 0);
  news = bench.core.take_device_news();
  REQUIRE(news.size() == 1);
  CHECK_FALSE(news[0].online);
}

TEST_CASE("core: births that cross with challenges come to an end", "[coordinator][core][presence]") {
  Quiet bench;
  bench.send_birth("a", 0);
  bench.send_birth("a", 0);
  bench.take();
  std::vector<std::uint64_t> under_way{bench.challenges.at("a"), bench.challenges.at("a")};
  std::size_t answers = 0;
  for (; !under_way.empty() && answers < 20; ++answers) {  // each challenge is answered, in order
    bench.challenges.clear();
    bench.send_birth("a", under_way.front());
    under_way.erase(under_way.begin());
    if (answers == 0) bench.send_birth("a", 0);  // and it is reset once
    bench.take();
    if (bench.challenges.count("a") != 0) under_way.push_back(bench.challenges.at("a"));
  }
  CHECK(under_way.empty());
  CHECK(bench.core.devices_online() == 1);
}

TEST_CASE("core: what was to be asked before a connection was lost is not asked after it",
          "[coordinator][core][presence]") {
  Quiet bench;
  bench.send_birth("a", 0);
  bench.take();
  bench.core.on_disconnected();
  bench.challenges.clear();
  bench.core.on_connected(1000);
  CHECK(bench.core.devices_unconfirmed() == 0);
  bench.tick(100000);
  CHECK(bench.challenges.empty());  // the broker has not told its birth again
  bench.send_birth("a", 0);
  bench.take();
  CHECK(bench.challenges.at("a") != 0);
}
