/// @file
/// Whole runs in virtual time under faults: what an undisturbed run ends with, a disturbed one must end with too, or
/// its transcript must say why not and replay to the same model.

#include "faults/world_bench.hpp"
#include "skink/host/program/workers.hpp"

using namespace skink;
using namespace skink::test;
using simulations::World;
using simulations::WorldObserver;
using simulations::WorldOptions;

TEST_CASE("world: an undisturbed run has an empty transcript and is repeatable", "[simulation][protocol]") {
  const Outcome first = run_world(experiment());
  const Outcome second = run_world(experiment());
  REQUIRE(first.finished);
  CHECK(first.transcript.empty());
  CHECK(first.rounds.size() == 12);
  CHECK(first.evaluations.size() == 4);  // after 0, 4, 8 and 12 rounds
  CHECK(first.model_sha256 == second.model_sha256);
  CHECK(run_world(experiment({{"seed", "12"}})).model_sha256 != first.model_sha256);
}

TEST_CASE("world: lost, repeated and late messages do not change the model", "[simulation][faults]") {
  const Outcome calm = run_world(experiment());
  const auto seed = GENERATE(range(1U, 13U));
  WorldOptions options;
  options.faults = {seed, 0.2, 0.2, 300};
  const Outcome rough = run_world(experiment({{"fleet.deadline_ms", "600000"}}), options);
  REQUIRE(rough.finished);
  for (const auto& event : rough.transcript) {
    FAIL_CHECK(coordinator::event_text(event.kind) << " " << wire::refusal_text(event.reason) << " " << event.detail);
  }
  CHECK(rough.model_sha256 == calm.model_sha256);
}

TEST_CASE("world: stragglers are replaced, and the transcript replays to the same model", "[simulation][faults]") {
  const auto seed = GENERATE(range(1U, 9U));
  WorldOptions options;
  options.faults = {seed, 0.5, 0.1, 3000};
  const std::string strategy = GENERATE("tinyreptile", "fedyogi");
  const Experiment setup = experiment({{"fleet.deadline_ms", "3000"}, {"meta.strategy", strategy}});
  const Outcome rough = run_world(setup, options);
  REQUIRE(rough.finished);
  REQUIRE_FALSE(rough.transcript.empty());
  const Outcome replay = replayed(setup, rough);
  REQUIRE(replay.finished);
  CHECK(replay.model_sha256 == rough.model_sha256);
}

TEST_CASE("world: a coordinator killed before any of its actions goes on to the same model", "[simulation][faults]") {
  const auto step = GENERATE(1U, 2U, 3U, 5U, 7U, 11U, 13U, 29U, 53U);
  const std::string strategy = GENERATE("tinyreptile", "fedadam");
  const Experiment setup = experiment({{"meta.strategy", strategy}});
  const Outcome calm = run_world(setup);
  unsigned until_kill = step;
  unsigned kills = 0;
  WorldObserver observer;
  observer.kill_coordinator = [&] {
    if (kills == 60 || --until_kill > 0) return false;
    ++kills;
    until_kill = step + kills % 17;  // a fixed distance could hit the same action for ever
    return true;
  };
  const Outcome killed = run_world(setup, {}, observer);
  REQUIRE(killed.finished);
  CHECK(kills >= 3);
  CHECK(killed.transcript.empty());
  CHECK(killed.model_sha256 == calm.model_sha256);
  std::set<std::uint32_t> rounds;
  for (const auto& record : killed.rounds) rounds.insert(record.round);
  CHECK(killed.rounds.size() == 12);  // none doubled
  CHECK(rounds.size() == 12);         // none lost
  CHECK(killed.evaluations.size() == calm.evaluations.size());
  CHECK(killed.evaluations.back().total.loss_after == calm.evaluations.back().total.loss_after);
}

TEST_CASE("world: a coordinator that hears messages in batches, with several workers, ends with the same model",
          "[simulation][faults]") {
  const std::string codec = GENERATE("float32", "topk:0.1+int8+ef");
  const auto seed = GENERATE(range(0U, 7U));
  const bool dies = GENERATE(false, true);
  const Experiment setup = experiment({{"codec.uplink", codec}, {"fleet.deadline_ms", "600000"}});
  const Outcome calm = run_world(setup);
  Workers workers(3);
  WorldOptions options;
  options.batch = seed % 2 == 0 ? 1000 : 3;
  if (seed > 0) options.faults = {seed, 0.2, 0.2, seed < 4 ? 300U : 0U};
  WorldObserver observer;
  unsigned until_kill = dies ? 37 + seed : 0;
  observer.kill_coordinator = [&] {
    if (until_kill == 0 || --until_kill > 0) return false;
    until_kill = 150 + seed;
    return true;
  };
  const Outcome batched = run_world(setup, options, observer, nullptr, {}, rounds::Executor::of(workers));
  REQUIRE(batched.finished);
  CHECK(batched.transcript.empty());
  CHECK(batched.model_sha256 == calm.model_sha256);
  REQUIRE(batched.rounds.size() == calm.rounds.size());
  for (std::size_t round = 0; round < calm.rounds.size(); ++round) {
    CHECK(batched.rounds[round].updates == calm.rounds[round].updates);
    CHECK(batched.rounds[round].model_sha256 == calm.rounds[round].model_sha256);
  }
}

TEST_CASE("world: threads do not change the history", "[simulation][faults]") {
  const auto seed = GENERATE(range(0U, 5U));
  const Experiment setup = experiment({{"fleet.deadline_ms", "3000"}, {"codec.uplink", "topk:0.1+int8+ef"}});
  WorldOptions options;
  if (seed > 0) options.faults = {seed, 0.3, 0.2, seed < 3 ? 900U : 0U};
  const Outcome alone = run_world(setup, options);
  options.threads = 3;
  const Outcome shared = run_world(setup, options);
  REQUIRE(shared.finished == alone.finished);
  CHECK(shared.model_sha256 == alone.model_sha256);
  REQUIRE(shared.transcript.size() == alone.transcript.size());
  for (std::size_t event = 0; event < alone.transcript.size(); ++event) {
    CHECK(shared.transcript[event].kind == alone.transcript[event].kind);
  }
  REQUIRE(shared.rounds.size() == alone.rounds.size());
  for (std::size_t round = 0; round < alone.rounds.size(); ++round) {
    CHECK(shared.rounds[round].replaced == alone.rounds[round].replaced);
    CHECK(shared.rounds[round].model_sha256 == alone.rounds[round].model_sha256);
    CHECK(shared.rounds[round].traffic.uplink_bytes == alone.rounds[round].traffic.uplink_bytes);
    CHECK(shared.rounds[round].traffic.downlink_bytes == alone.rounds[round].traffic.downlink_bytes);
  }
}

TEST_CASE("world: a run in batches replays one by one", "[simulation][faults]") {
  const auto seed = GENERATE(range(1U, 7U));
  Workers workers(2);
  WorldOptions options;
  options.batch = 1000;
  options.faults = {seed, 0.5, 0.1, 3000};
  const std::string strategy = GENERATE("tinyreptile", "fedyogi");
  const Experiment setup = experiment({{"fleet.deadline_ms", "3000"}, {"meta.strategy", strategy}});
  const Outcome rough = run_world(setup, options, {}, nullptr, {}, rounds::Executor::of(workers));
  REQUIRE(rough.finished);
  REQUIRE_FALSE(rough.transcript.empty());
  const Outcome replay = replayed(setup, rough);
  REQUIRE(replay.finished);
  CHECK(replay.model_sha256 == rough.model_sha256);
}

TEST_CASE("world: a device that vanishes for good is replaced", "[simulation][faults]") {
  std::size_t gone = 99;
  const auto disturb = [&](World& world) {
    if (gone == 99 && world.coordinator().rounds_done() == 3) {
      gone = world.coordinator().membership().training[0];
      world.disconnect(gone);
    }
    return false;
  };
  const Outcome outcome = run_world(experiment(), {}, {}, nullptr, disturb);
  REQUIRE(outcome.finished);
  REQUIRE_FALSE(outcome.transcript.empty());
  for (const auto& event : outcome.transcript) CHECK(event.kind == coordinator::EventKind::kReplaced);
  for (const auto& record : outcome.rounds) CHECK(record.updates == 4);
}

TEST_CASE("world: revoked devices are out for good, and the transcript replays to the same model",
          "[simulation][faults][revoked]") {
  const auto seed = GENERATE(range(1U, 5U));
  const bool is_rough = GENERATE(false, true);
  const Experiment setup = experiment({{"fleet.deadline_ms", is_rough ? "3000" : "20000"}});
  WorldOptions options;
  if (is_rough) options.faults = {seed, 0.3, 0.1, 2000};
  unsigned until_kill = is_rough ? 20 + seed : 0;
  WorldObserver observer;
  observer.kill_coordinator = [&] {
    if (until_kill == 0 || --until_kill > 0) return false;
    until_kill = 150;
    return true;
  };
  // Two that train and one that is held out, in the middle of a round; a list is read again after every restart.
  coordinator::RevokedIds revoked;
  const auto revoke = [&](World& world) {
    coordinator::Coordinator& core = world.coordinator();
    if (revoked.empty() && core.rounds_done() == 2 + seed) {
      const auto& membership = core.membership();
      revoked = {core.roster()[membership.training[0]], core.roster()[membership.training[seed]],
                 core.roster()[membership.held_out[0]]};
    }
    core.revoke(revoked, world.now_ms());
    return false;
  };
  const Outcome outcome = run_world(setup, options, observer, nullptr, revoke);
  REQUIRE(outcome.finished);
  CHECK(outcome.rounds.size() == 12);
  bool has_reason = false;
  bool has_missed = false;
  for (const auto& event : outcome.transcript) {
    has_reason = has_reason || event.reason == wire::Refusal::kRevoked;
    has_missed = has_missed || event.kind == coordinator::EventKind::kMissing;
  }
  CHECK((has_reason && has_missed));
  CHECK(outcome.evaluations.back().devices <= 2);

  const coordinator::RunSnapshot snapshot = snapshot_of(outcome);
  const Outcome replay = run_world(setup, {}, {}, &snapshot);
  REQUIRE(replay.finished);
  CHECK(replay.model_sha256 == outcome.model_sha256);
  REQUIRE(replay.rounds.size() == outcome.rounds.size());
  for (std::size_t round = 0; round < outcome.rounds.size(); ++round) {
    CHECK(replay.rounds[round].model_sha256 == outcome.rounds[round].model_sha256);
  }
}

TEST_CASE("world: devices whose arena is too small refuse, and say both numbers", "[simulation][faults]") {
  WorldOptions options;
  options.arena_bytes = 64;
  const Experiment setup = experiment({{"evaluation.tasks", "0"}, {"evaluation.every", "0"}});
  unsigned asked = 0;
  const auto give_up = [&](World& world) {
    asked += world.now_ms() > 100000 ? 1U : 0U;
    return asked > 0;
  };
  const Outcome outcome = run_world(setup, options, {}, nullptr, give_up);
  CHECK_FALSE(outcome.finished);
  REQUIRE_FALSE(outcome.transcript.empty());
  CHECK(outcome.transcript.front().reason == wire::Refusal::kDoesNotFit);
}

TEST_CASE("world: devices that diverge add nothing and do not stop the run", "[simulation][faults]") {
  const Experiment setup =
      experiment({{"meta.inner_learning_rate", "90.0"}, {"evaluation.tasks", "0"}, {"evaluation.every", "0"}});
  const Outcome outcome = run_world(setup);
  REQUIRE(outcome.finished);
  std::uint32_t without = 0;
  for (const auto& record : outcome.rounds) {
    CHECK(record.updates + record.diverged + record.refused == 4);
    without += record.diverged + record.refused;
  }
  CHECK(without > 0);
}

TEST_CASE("world: every strategy and codec runs", "[simulation][protocol]") {
  const auto uplink = GENERATE("float32", "int8", "eden:2+ef", "topk:0.05+int4+range+ef");
  std::set<std::string> models;
  models.insert(run_world(experiment({{"codec.uplink", uplink}})).model_sha256);
  models.insert(
      run_world(experiment({{"codec.uplink", uplink}, {"meta.strategy", "reptile"}, {"meta.batch_size", "3"}}))
          .model_sha256);
  for (const char* strategy : {"fedavg", "fedprox", "fedavgm", "fedadam", "fedyogi", "fomaml"}) {
    models.insert(run_world(experiment({{"codec.uplink", uplink}, {"meta.strategy", strategy}})).model_sha256);
  }
  CHECK(models.size() == 8);
}
