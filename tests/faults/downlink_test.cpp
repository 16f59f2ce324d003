/// @file
/// The compressed downlink in whole runs under faults: whatever is lost, every device ends with the coordinator's phi,
/// so the model is that of the undisturbed run.

#include "faults/world_bench.hpp"

using namespace skink;
using namespace skink::test;
using simulations::World;
using simulations::WorldObserver;
using simulations::WorldOptions;

namespace {

Experiment compressed(const std::vector<Override>& more = {}) {
  std::vector<Override> overrides{
      {"codec.uplink", "eden:2+ef"}, {"codec.downlink", "topk:0.1+ternary+ef"}, {"meta.rounds", "30"}};
  overrides.insert(overrides.end(), more.begin(), more.end());
  return experiment(overrides);
}

/// Models that devices made from patches, and chains that led nowhere.
struct Patching {
  std::uint32_t patched = 0;
  std::uint32_t failed = 0;
};

Patching counted(const World& world) {
  Patching sum;
  for (std::size_t i = 0; i < world.device_count(); ++i) {
    sum.patched += world.client(i).counters().patched;
    sum.failed += world.client(i).counters().patches_failed;
  }
  return sum;
}

}  // namespace

TEST_CASE("downlink: devices that have one of the last models get patches", "[simulation][faults][downlink]") {
  Patching patching;
  const Outcome outcome = run_world(compressed(), {}, {}, nullptr, [&](World& world) {
    patching = counted(world);
    return false;
  });
  REQUIRE(outcome.finished);
  CHECK(patching.failed == 0);
  CHECK(patching.patched > 100);  // of 30 x 4 adaptations and 8 x 3 evaluations; first models are whole
  const Outcome whole = run_world(experiment({{"codec.uplink", "eden:2+ef"}, {"meta.rounds", "30"}}));
  CHECK(whole.model_sha256 != outcome.model_sha256);
  CHECK(outcome.rounds.back().traffic.downlink_bytes < whole.rounds.back().traffic.downlink_bytes * 2 / 3);
}

TEST_CASE("downlink: lost, repeated and late messages do not change the model", "[simulation][faults][downlink]") {
  const Outcome calm = run_world(compressed());
  WorldOptions options;
  options.faults = {GENERATE(range(1U, 9U)), 0.2, 0.2, 300};
  Patching patching;
  const Outcome rough =
      run_world(compressed({{"fleet.deadline_ms", "600000"}}), options, {}, nullptr, [&](World& world) {
        patching = counted(world);
        return false;
      });
  REQUIRE(rough.finished);
  CHECK(rough.transcript.empty());
  CHECK(rough.model_sha256 == calm.model_sha256);
  CHECK(patching.patched > 0);
  CHECK(patching.failed > 0);
}

TEST_CASE("downlink: a killed coordinator goes on to the same model", "[simulation][faults][downlink]") {
  const Outcome calm = run_world(compressed());
  const std::uint32_t stride = GENERATE(61U, 97U, 131U);  // a start alone takes some 50: challenges, tasks, the model
  std::uint32_t actions = 0;
  WorldObserver observer;
  observer.kill_coordinator = [&] { return ++actions % stride == 0; };
  const Outcome killed = run_world(compressed(), {}, observer);
  REQUIRE(killed.finished);
  CHECK(killed.model_sha256 == calm.model_sha256);
}

TEST_CASE("downlink: devices that are reset say which model they have", "[simulation][faults][downlink]") {
  const Experiment setup = compressed({{"codec.uplink", "int8"}});  // no residual that a reset would lose
  const Outcome calm = run_world(setup);
  std::set<std::uint32_t> done;
  Patching patching;
  const Outcome disturbed = run_world(setup, {}, {}, nullptr, [&](World& world) {
    const std::uint32_t round = world.coordinator().rounds_done();
    if (done.insert(round).second) {
      for (std::size_t i = 0; i < world.device_count(); i += 2) world.reset_device(i);
    }
    patching = counted(world);
    return false;
  });
  REQUIRE(disturbed.finished);
  CHECK(disturbed.model_sha256 == calm.model_sha256);
  CHECK(patching.patched > 0);
}

TEST_CASE("downlink: a run replays from its transcript", "[simulation][faults][downlink]") {
  WorldOptions options;
  options.faults = {GENERATE(range(1U, 5U)), 0.5, 0.1, 3000};
  const Experiment setup = compressed({{"fleet.deadline_ms", "3000"}});
  const Outcome rough = run_world(setup, options);
  REQUIRE(rough.finished);
  REQUIRE_FALSE(rough.transcript.empty());
  CHECK(replayed(setup, rough).model_sha256 == rough.model_sha256);
}
