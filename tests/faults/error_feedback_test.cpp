/// @file
/// Error feedback in whole runs under faults: residuals follow from what the coordinator took, whatever is lost.

#include "faults/world_bench.hpp"

using namespace skink;
using namespace skink::test;
using coordinator::EventKind;
using simulations::World;
using simulations::WorldObserver;
using simulations::WorldOptions;

namespace {

Experiment fed(std::vector<Override> overrides = {}) {
  overrides.push_back({"codec.uplink", "topk:0.05+ternary+ef"});
  overrides.push_back({"meta.rounds", "30"});
  return experiment(overrides);
}

}  // namespace

TEST_CASE("error feedback: it changes the model, and is repeatable", "[simulation][faults]") {
  const Outcome first = run_world(fed());
  CHECK(first.transcript.empty());
  CHECK(run_world(fed()).model_sha256 == first.model_sha256);
  CHECK(run_world(experiment({{"codec.uplink", "topk:0.05+ternary"}, {"meta.rounds", "30"}})).model_sha256 !=
        first.model_sha256);
}

TEST_CASE("error feedback: lost, repeated and late messages do not change the model", "[simulation][faults]") {
  const Outcome calm = run_world(fed());
  WorldOptions options;
  options.faults = {GENERATE(range(1U, 9U)), 0.2, 0.2, 300};
  const Outcome rough = run_world(fed({{"fleet.deadline_ms", "600000"}}), options);
  REQUIRE(rough.finished);
  CHECK(rough.transcript.empty());
  CHECK(rough.model_sha256 == calm.model_sha256);
}

TEST_CASE("error feedback: replaced stragglers keep their residual, and the transcript replays",
          "[simulation][faults]") {
  WorldOptions options;
  options.faults = {GENERATE(range(1U, 9U)), 0.5, 0.1, 3000};
  const Experiment setup = fed({{"fleet.deadline_ms", "3000"}});
  const Outcome rough = run_world(setup, options);
  REQUIRE(rough.finished);
  REQUIRE_FALSE(rough.transcript.empty());
  CHECK(replayed(setup, rough).model_sha256 == rough.model_sha256);
}

TEST_CASE("error feedback: a killed coordinator goes on to the same model", "[simulation][faults]") {
  const Outcome calm = run_world(fed());
  const std::uint32_t stride = GENERATE(37U, 61U, 97U);
  std::uint32_t actions = 0;
  WorldObserver observer;
  observer.kill_coordinator = [&] { return ++actions % stride == 0; };
  const Outcome killed = run_world(fed(), {}, observer);
  REQUIRE(killed.finished);
  CHECK(killed.model_sha256 == calm.model_sha256);
}

TEST_CASE("error feedback: a lost residual is in the transcript, which replays", "[simulation][faults]") {
  const Outcome calm = run_world(fed());
  std::set<std::uint32_t> done;
  const Outcome disturbed = run_world(fed(), {}, {}, nullptr, [&](World& world) {
    const std::uint32_t round = world.coordinator().rounds_done();
    if (round % 5 == 3 && done.insert(round).second) {
      for (std::size_t i = 0; i < world.device_count(); i += 2) world.reset_device(i);
    }
    return false;
  });
  REQUIRE(disturbed.finished);
  CHECK(std::any_of(disturbed.transcript.begin(), disturbed.transcript.end(),
                    [](const auto& event) { return event.kind == EventKind::kForgot; }));
  CHECK(disturbed.model_sha256 != calm.model_sha256);
  const Outcome replay = replayed(fed(), disturbed);
  CHECK(replay.model_sha256 == disturbed.model_sha256);
  REQUIRE(replay.rounds.size() == disturbed.rounds.size());
  for (std::size_t i = 0; i < replay.rounds.size(); ++i) {
    CHECK(replay.rounds[i].model_sha256 == disturbed.rounds[i].model_sha256);
  }
}
