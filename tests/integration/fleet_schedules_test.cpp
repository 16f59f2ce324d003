/// @file
/// Runs that a service queues again and again.

#include "fleet_bench.hpp"
#include "skink/host/program/time_of_day.hpp"

using namespace skink;
using namespace skink::test;

namespace {

ScheduleRow schedule_of(const RunOrder& order) {
  ScheduleRow schedule;
  schedule.name = "again";
  schedule.order = order;
  return schedule;
}

ScheduleRow stored(FleetService& service, std::uint32_t number) {
  const auto rows = service.store().schedules({number - 1, 1});
  REQUIRE(rows.has_value());
  REQUIRE(rows->size() == 1);
  return rows->front();
}

bool is_finished(FleetService& service, std::uint32_t number) {
  const auto row = service.store().run(number);
  return row && *row && (*row)->phase == RunPhase::kFinished;
}

}  // namespace

TEST_CASE("schedules: runs follow each other, each from the model before, over a kill", "[service][broker]") {
  Bench bench;
  const Devices devices(bench.broker, device_ids(6));
  {
    const auto service = bench.service();
    ScheduleRow schedule = schedule_of(order());
    schedule.every_s = 3;
    schedule.from_latest = true;
    const auto number = service->add_schedule(schedule, 0, "test");
    REQUIRE(number.has_value());
    REQUIRE(bench.lead(*service, [&] { return bench.rounds_done[1] >= 1; }));  // and away in the middle of a run
  }
  const auto service = bench.service();
  REQUIRE(bench.lead(*service, [&] { return is_finished(*service, 2); }));
  const auto first = service->store().model(1);
  const auto second = service->store().model(2);
  REQUIRE((first && *first && second && *second));
  CHECK((*first)->sha256 == simulated({}));
  CHECK((*second)->parent == (*first)->sha256);
  const auto file = service->store().model_file(1);
  CHECK((*second)->sha256 == simulated({{"init", (*first)->sha256}, {"seed", "8"}}, &*file));
  const ScheduleRow row = stored(*service, 1);
  CHECK(row.runs == 2);
  CHECK(row.last_run == 2);
  CHECK(bench.said("schedule.due"));

  ScheduleRow paused = row;
  paused.enabled = false;
  REQUIRE(service->change_schedule(paused, "test").has_value());
  CHECK(stored(*service, 1).next_unix_s == 0);
  const auto then = std::chrono::steady_clock::now();
  REQUIRE(bench.lead(*service, [&] { return std::chrono::steady_clock::now() - then > 5s; }));
  CHECK(service->store().runs({})->size() == 2);
  CHECK(*service->remove_schedule(1, "test"));
  CHECK_FALSE(*service->remove_schedule(1, "test"));
}

TEST_CASE("schedules: a run that was queued before a kill is not queued twice", "[service][broker]") {
  Bench bench;
  const auto service = bench.service();
  ScheduleRow schedule = schedule_of(order());
  schedule.every_s = 1000;
  REQUIRE(service->add_schedule(schedule, 0, "test").has_value());
  // As a service leaves it that is killed between the run and the schedule's note of it.
  RunOrder queued = order({{"seed", "7"}});
  queued.idempotency_key = "\x01schedule 1 run 0";
  REQUIRE(service->queue_run(queued, "schedule 1").has_value());
  REQUIRE(bench.lead(*service, [&] { return stored(*service, 1).runs == 1; }));
  CHECK(stored(*service, 1).last_run == 1);
  CHECK(service->store().runs({})->size() == 1);
}

TEST_CASE("schedules: new devices and devices that do not gain make a run due, once", "[service][broker]") {
  Bench bench;
  const auto service = bench.service();
  ScheduleRow schedule = schedule_of(order());
  schedule.order.wait_s = 1;
  schedule.order.selection = {"hall", "", ""};
  schedule.new_devices = 2;
  REQUIRE(service->add_schedule(schedule, 0, "test").has_value());
  schedule.new_devices = 0;
  schedule.devices_worse = 2;
  REQUIRE(service->add_schedule(schedule, 0, "test").has_value());
  const auto runs_of = [&](std::uint32_t number) { return stored(*service, number).runs; };
  const auto pass = [&](std::chrono::seconds time) {
    const auto then = std::chrono::steady_clock::now();
    REQUIRE(bench.lead(*service, [&] { return std::chrono::steady_clock::now() - then > time; }));
  };
  const auto note = [&](const char* id, std::uint32_t release, wire::ReleaseUse use) {
    DeviceRow device;
    device.id = id;
    device.online = true;
    device.last_seen = utc_now();
    device.firmware = "skink-edge";
    device.takes_releases = true;
    device.release = release;
    device.release_use = static_cast<std::uint32_t>(use);
    REQUIRE(service->store().note({device}, {}).has_value());
    FleetDevice described;
    described.row.id = id;
    described.group = std::string(id) == "pump-9" ? "yard" : "hall";
    described.labels = "{}";
    REQUIRE(service->describe_device(described, "test").has_value());
  };
  ReleaseRow release;
  release.number = 1;
  release.model = 1;
  release.header = std::string(144, 'h');
  REQUIRE(service->store().add_release(release).has_value());
  pass(2s);
  note("pump-1", 1, wire::ReleaseUse::kWorse);
  note("pump-9", 1, wire::ReleaseUse::kDiverged);   // of another group
  note("pump-2", 77, wire::ReleaseUse::kDiverged);  // there is no such release
  pass(3s);
  CHECK(runs_of(1) == 1);  // two of the hall are new
  CHECK(runs_of(2) == 0);
  note("pump-3", 1, wire::ReleaseUse::kDiverged);
  pass(5s);
  CHECK(runs_of(2) == 1);  // the same reports make no second one
  CHECK(stored(*service, 2).last_release == 1);
}

TEST_CASE("schedules: what cannot be led is refused, and tried again later", "[service][broker]") {
  Bench bench;
  const auto service = bench.service();
  ScheduleRow schedule = schedule_of(order());
  CHECK_FALSE(service->add_schedule(schedule, 0, "test").has_value());  // nothing makes it due
  schedule.every_s = 3;
  schedule.order.overrides = {{"meta.cohort", "0"}};
  CHECK_FALSE(service->add_schedule(schedule, 0, "test").has_value());
  schedule.order.overrides = {{"seed", "9223372036854775807"}};  // the second run has no seed above it
  schedule.order.wait_s = 1;
  REQUIRE(service->add_schedule(schedule, 0, "test").has_value());
  REQUIRE(bench.lead(*service, [&] { return bench.said("schedule.failed"); }));
  CHECK(stored(*service, 1).runs == 1);
  CHECK(stored(*service, 1).next_unix_s > 0);
}
