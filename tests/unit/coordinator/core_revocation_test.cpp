/// @file
/// The coordinator's core: what becomes of revoked devices.

#include "unit/coordinator/core_bench.hpp"

using namespace skink;
using coordinator::Coordinator;
using coordinator::CoordinatorConfig;
using test::kRun;
using Bench = test::CoreBench;

TEST_CASE("core: a revoked device does not enter the roster", "[coordinator][core][revoked]") {
  Bench bench(std::vector<Override>{{"fleet.devices", "5"}});
  REQUIRE(bench.core.phase() == coordinator::Phase::kWaitingForFleet);
  bench.revoke({"b", "e", "stranger"});
  CHECK(bench.core.devices_online() == 3);
  bench.birth("e");
  bench.birth("b");
  CHECK(bench.core.devices_online() == 3);
  CHECK(bench.refused(wire::Refusal::kRevoked) == 2);
  bench.birth("f");
  bench.birth("g");
  bench.take();
  CHECK(bench.core.roster() == std::vector<std::string>{"a", "c", "d", "f", "g"});
  bench.birth("e");  // nor does it join late
  bench.take();
  CHECK(bench.events.empty());
  CHECK(bench.replies.empty());
}

TEST_CASE("core: the slot of a revoked device goes to the next one at once, and it is never asked again",
          "[coordinator][core][revoked]") {
  Bench bench;
  const std::string revoked = bench.first();
  const std::string other = bench.second();
  const auto message = bench.encode(revoked, bench.update_for(revoked), {1.0F, 0.0F});
  bench.revoke({revoked});
  REQUIRE(bench.events.size() == 1);
  CHECK(bench.events[0].kind == coordinator::EventKind::kReplaced);
  CHECK(bench.events[0].reason == wire::Refusal::kRevoked);
  CHECK(bench.events[0].detail == revoked + ": revoked");
  CHECK(bench.tasks.size() == 3);
  bench.send(revoked, message);
  bench.birth(revoked);
  bench.birth(revoked, false);
  bench.take();
  CHECK(bench.refused(wire::Refusal::kRevoked) == 3);
  CHECK(bench.replies.empty());
  const std::string heir = bench.core.roster()[bench.events[0].device_index];
  CHECK(heir != other);
  bench.answer(heir);
  bench.answer(other);
  CHECK(bench.core.rounds_done() == 1);
  bench.tasks.erase(revoked);
  for (std::uint32_t round = 1; round < 3; ++round) {
    for (const auto& [id, task] : std::map(bench.tasks)) {
      if (task.round == round) bench.answer(id);
    }
  }
  CHECK(bench.core.phase() == coordinator::Phase::kFinished);
  CHECK(bench.tasks.count(revoked) == 0);
  for (const auto& event : bench.events) CHECK(event.reason == wire::Refusal::kRevoked);
}

TEST_CASE("core: what was accepted before a revocation stays", "[coordinator][core][revoked]") {
  Bench bench;
  const std::vector<float> before = bench.core.model().parameters();
  const std::string first = bench.first();
  const std::string second = bench.second();
  bench.send(first, bench.update_for(first), {1.0F, 0.0F});
  bench.revoke({first});
  CHECK(bench.events.empty());
  bench.send(second, bench.update_for(second), {3.0F, 0.0F});
  CHECK(bench.core.rounds_done() == 1);
  CHECK(bench.core.model().parameters()[0] == before[0] + 2.0F);
}

TEST_CASE("core: a revocation that leaves nothing open closes the round", "[coordinator][core][revoked]") {
  Bench bench;
  const std::string first = bench.first();
  const std::string second = bench.second();
  bench.answer(first);
  coordinator::RevokedIds others = {"a", "b", "c", "d"};
  others.erase(first);
  bench.revoke(others);
  CHECK(bench.core.rounds_done() == 1);
  REQUIRE_FALSE(bench.events.empty());
  const auto dropped = std::find_if(bench.events.begin(), bench.events.end(), [](const auto& event) {
    return event.round == 0 && event.kind == coordinator::EventKind::kDropped;
  });
  REQUIRE(dropped != bench.events.end());
  CHECK(dropped->reason == wire::Refusal::kRevoked);
  CHECK(bench.rounds[0].updates == 1);
  for (std::uint32_t round = 1; round < 3; ++round) {  // the last one goes on alone
    REQUIRE(bench.tasks.at(first).round == round);
    bench.answer(first);
  }
  CHECK(bench.core.phase() == coordinator::Phase::kFinished);
}

TEST_CASE("core: the only hope of a round is revoked, and one that was passed over takes its place",
          "[coordinator][core][revoked]") {
  Bench bench;
  for (const std::string& id : bench.core.roster()) bench.birth(id, false);
  bench.tick(3000);  // both slots pass over everybody; one is dropped, the other's device asked again after a pause
  bench.tasks.clear();
  bench.tick(bench.core.next_wake_ms());
  REQUIRE(bench.tasks.size() == 1);
  const std::string hope = bench.first();
  bench.tasks.clear();
  bench.events.clear();
  bench.revoke({hope});
  REQUIRE(bench.events.size() == 1);
  const std::string heir = bench.core.roster()[bench.events[0].device_index];
  CHECK(heir != hope);
  CHECK(bench.tasks.empty());  // it is offline
  bench.birth(heir);
  bench.take();
  REQUIRE(bench.tasks.count(heir) == 1);
  bench.answer(heir);
  CHECK(bench.core.rounds_done() == 1);
}

TEST_CASE("core: when every device is revoked the run waits, and asks nobody", "[coordinator][core][revoked]") {
  Bench bench;
  bench.tasks.clear();
  bench.revoke({"a", "b", "c", "d"});
  const std::size_t events = bench.events.size();
  CHECK(events <= 4);
  for (int i = 0; i < 20; ++i) bench.tick(bench.core.next_wake_ms());
  bench.core.on_disconnected();
  bench.core.on_connected(bench.now);
  bench.take();
  CHECK(bench.tasks.empty());
  CHECK(bench.events.size() == events);
  CHECK(bench.core.rounds_done() == 0);
  CHECK(bench.core.phase() == coordinator::Phase::kTraining);
}

TEST_CASE("core: a revoked device that is held out is missing at once", "[coordinator][core][revoked]") {
  const std::vector<Override> overrides = {
      {"fleet.held_out", "2"}, {"evaluation.tasks", "4"}, {"evaluation.query_size", "2"}, {"evaluation.every", "0"}};
  const auto is_missing = [](const auto& event) {
    return event.kind == coordinator::EventKind::kMissing && event.reason == wire::Refusal::kRevoked;
  };
  SECTION("while it is asked") {
    Bench bench(overrides);
    REQUIRE(bench.core.phase() == coordinator::Phase::kEvaluating);
    bench.revoke({bench.first(), bench.second()});
    CHECK(std::count_if(bench.events.begin(), bench.events.end(), is_missing) == 2);
    CHECK(bench.core.phase() == coordinator::Phase::kTraining);
  }
  SECTION("before it is asked") {
    Bench first(overrides);
    const std::string held_out = first.first();
    coordinator::RunSnapshot snapshot;
    snapshot.run = kRun;
    snapshot.roster = first.core.roster();
    Coordinator again(Bench::config(overrides), &snapshot);
    again.revoke({held_out}, 0);
    again.on_connected(0);
    std::size_t tasks = 0;
    std::size_t missing = 0;
    for (const auto& action : again.take_actions()) {
      if (const auto* publish = std::get_if<coordinator::Publish>(&action)) {
        CHECK(publish->device_id != held_out);
        tasks += publish->topic == wire::TopicKind::kTask ? 1U : 0U;
      }
      if (const auto* event = std::get_if<coordinator::CommitEvent>(&action)) missing += is_missing(event->event);
    }
    CHECK(tasks == 1);
    CHECK(missing == 1);
  }
}

TEST_CASE("core: a replay takes no notice of revocations", "[coordinator][core][revoked]") {
  Bench bench;
  coordinator::RunSnapshot snapshot;
  snapshot.run = kRun;
  snapshot.roster = bench.core.roster();
  CoordinatorConfig config = Bench::config();
  config.mode = coordinator::RunMode::kReplay;
  Coordinator replay(config, &snapshot);
  replay.revoke({"a", "b", "c", "d"}, 0);
  CHECK_FALSE(replay.is_revoked("a"));
}
