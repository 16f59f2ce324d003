/// @file
/// What one device can make the service do.

#include <catch2/catch.hpp>

#include "skink/coordinator/service/device_watch.hpp"
#include "skink/coordinator/service/flood_guard.hpp"
#include "skink/coordinator/service/stranger_watch.hpp"

using namespace skink;
using coordinator::DeviceWatch;
using coordinator::FloodGuard;

TEST_CASE("flood guard: a burst is looked at, a flood is not, and its sender is named", "[coordinator][service]") {
  FloodGuard guard;
  std::uint32_t admitted = 0;
  for (int i = 0; i < 100000; ++i)
    admitted += static_cast<std::uint32_t>(guard.admits("pump-07", 1000 + static_cast<std::uint64_t>(i) / 100));
  CHECK(admitted >= FloodGuard::kBurst);
  CHECK(admitted <= FloodGuard::kBurst + FloodGuard::kPerSecond + 1);
  CHECK(guard.admits("pump-08", 2000));
  const auto flooders = guard.take_flooders(2000);
  REQUIRE(flooders.size() == 1);
  CHECK(flooders[0].id == "pump-07");
  CHECK(flooders[0].dropped == 100000 - admitted);
  CHECK(guard.take_flooders(2000).empty());
  for (int i = 0; i < 10; ++i) (void)guard.admits("pump-07", 2001);
  CHECK_FALSE(guard.admits("pump-07", 2001));
  CHECK(guard.take_flooders(3000).empty());  // once in ten seconds
  CHECK(guard.take_flooders(12001).size() == 1);
  CHECK(guard.admits("pump-07", 60000));
}

TEST_CASE("flood guard: a steady device at the rate is never dropped", "[coordinator][service]") {
  FloodGuard guard;
  for (std::uint64_t ms = 0; ms < 100000; ms += 1000 / FloodGuard::kPerSecond + 1) REQUIRE(guard.admits("a", ms));
}

TEST_CASE("device watch: who is far too long three times in a row is named once a run", "[coordinator][service]") {
  DeviceWatch watch;
  const auto update = [&watch](double norm) {
    coordinator::TakenUpdate taken;
    taken.device_id = "pump-07";
    taken.norm = norm;
    taken.bound = 2;
    watch.on_update(taken);
  };
  update(1);
  CHECK(watch.take_suspicions().empty());
  for (int i = 0; i < 20; ++i) update(40);
  const auto suspicions = watch.take_suspicions();
  REQUIRE(suspicions.size() == 1);
  CHECK(suspicions[0].id == "pump-07");
  CHECK(suspicions[0].text.find("skinkctl devices exclude pump-07") != std::string::npos);
  update(40);
  CHECK(watch.take_suspicions().empty());
  watch.begin_run();
  for (int i = 0; i < 3; ++i) update(40);
  CHECK(watch.take_suspicions().size() == 1);
  watch.on_miss("pump-07");
  wire::Evaluation sums{};
  sums.query_samples = 4;
  sums.loss_before = 8U << 20U;
  sums.loss_after = 2U << 20U;
  watch.on_report("pump-07", sums);
  const auto changes = watch.take_changes();
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].updates == 25);
  CHECK(changes[0].clipped == 24);
  CHECK(changes[0].misses == 1);
  CHECK(changes[0].gain == 1.5);
  CHECK(watch.take_changes().empty());
}

TEST_CASE("device watch: without clipping nobody is too long", "[coordinator][service]") {
  DeviceWatch watch;
  coordinator::TakenUpdate taken;
  taken.device_id = "a";
  for (int i = 0; i < 9; ++i) watch.on_update(taken);
  CHECK(watch.take_suspicions().empty());
  const auto changes = watch.take_changes();
  REQUIRE(changes.size() == 1);
  CHECK_FALSE(changes[0].length);
}

TEST_CASE("device watch: a battery that becomes low is said once, until it was well above", "[coordinator][service]") {
  DeviceWatch watch;
  CHECK_FALSE(watch.on_battery("pump-07", 255));
  CHECK_FALSE(watch.on_battery("pump-07", 21));
  const auto said = watch.on_battery("pump-07", 20);
  REQUIRE(said);
  CHECK(said->find("pump-07: its battery is at 20 %") == 0);
  CHECK_FALSE(watch.on_battery("pump-07", 12));
  CHECK_FALSE(watch.on_battery("pump-07", 25));
  CHECK(watch.on_battery("pump-08", 0));
  CHECK_FALSE(watch.on_battery("pump-07", 26));
  CHECK(watch.on_battery("pump-07", 19));
}

TEST_CASE("stranger watch: whose birth is refused is named, once an hour, and not without end",
          "[coordinator][service]") {
  coordinator::StrangerWatch watch;
  const coordinator::RefusalCounts none{};
  const auto counted = [](wire::Refusal reason) {
    coordinator::RefusalCounts counts{};
    counts[static_cast<std::size_t>(reason)] = 1;
    return counts;
  };
  const auto unknown_key = counted(wire::Refusal::kWrongAuthentication);
  watch.on_birth("pump-07", none, unknown_key, 1000);
  watch.on_birth("pump-07", none, unknown_key, 2000);
  watch.on_birth("pump-08", none, none, 2000);
  watch.on_birth("pump-09", none, counted(wire::Refusal::kRevoked), 2000);  // the operator knows
  watch.on_birth("pump-10", none, counted(wire::Refusal::kVersionMismatch), 2000);
  const auto named = watch.take();
  REQUIRE(named.size() == 2);
  CHECK(stranger_text(named[0]).find("pump-07: its birth is refused, wrong_authentication: its key") == 0);
  CHECK(stranger_text(named[1]).find("pump-10: its birth is refused, version_mismatch") == 0);
  watch.on_birth("pump-07", none, unknown_key, 3'601'000);
  CHECK(watch.take().size() == 1);
  for (int i = 0; i < 5000; ++i) watch.on_birth("x" + std::to_string(i), none, unknown_key, 4'000'000);
  CHECK(watch.take().size() < 1000);
}
