#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <thread>

#include "fleet_bench.hpp"

using namespace skink;
using namespace skink::test;

TEST_CASE("fleet service: two runs in a row, the second from the first's model, as the simulator has them",
          "[service][broker]") {
  Bench bench;
  const Devices devices(bench.broker, device_ids(6));
  const auto service = bench.service();
  const auto first = service->queue_run(order(), "test");
  REQUIRE(first.has_value());
  CHECK(*first == 1);
  REQUIRE(bench.lead(*service, [&] { return phase_of(*service, 1) == RunPhase::kFinished; }));
  const auto model = service->store().model(1);
  REQUIRE((model.has_value() && model->has_value()));
  CHECK((*model)->sha256 == simulated({}));
  CHECK((*model)->parent.empty());
  CHECK((*model)->rounds == 6);
  CHECK((*model)->figures.find("loss_after") != std::string::npos);
  CHECK(std::filesystem::exists(service->run_folder(1) + "/summary.json"));

  RunOrder other = order({{"model.layers.0.units", "8"}});
  other.init_model = 1;
  const auto refused = service->queue_run(other, "test");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message.starts_with("model 1: is a sound model, but not a model of this experiment"));
  CHECK(refused.error().message.find("dense 16") < refused.error().message.find("dense 8"));
  CHECK(service->store().runs({})->size() == 1);

  RunOrder again = order({{"seed", "8"}});
  again.init_model = 1;
  const auto second = service->queue_run(again, "test");
  REQUIRE(second.has_value());
  REQUIRE(bench.lead(*service, [&] { return phase_of(*service, 2) == RunPhase::kFinished; }));
  const auto file = service->store().model_file(1);
  REQUIRE(file.has_value());
  const auto next = service->store().model(2);
  REQUIRE((next.has_value() && next->has_value()));
  CHECK((*next)->sha256 == simulated({{"init", (*model)->sha256}, {"seed", "8"}}, &*file));
  CHECK((*next)->parent == (*model)->sha256);
  const auto runs = service->store().runs({});
  REQUIRE(runs.has_value());
  REQUIRE(runs->size() == 2);
  CHECK((*runs)[0].run < (*runs)[1].run);
  const auto audit = service->store().audit({});
  REQUIRE(audit.has_value());
  REQUIRE(audit->size() == 2);
  CHECK((*audit)[1].action == "run.queue");
  CHECK((*audit)[1].who == "test");
}

TEST_CASE("fleet service: a start goes on with the queue where it was", "[service][broker]") {
  Bench bench;
  const Devices devices(bench.broker, device_ids(6));
  {
    const auto service = bench.service();
    REQUIRE(service->queue_run(order({{"meta.rounds", "40"}}), "test").has_value());
    REQUIRE(service->queue_run(order({{"seed", "9"}}), "test").has_value());
    REQUIRE(bench.lead(*service, [&] { return bench.rounds_done[1] >= 5; }));
    CHECK(phase_of(*service, 1) == RunPhase::kRunning);
    CHECK(phase_of(*service, 2) == RunPhase::kQueued);
  }
  const auto service = bench.service();
  REQUIRE(bench.lead(*service, [&] { return phase_of(*service, 2) == RunPhase::kFinished; }));
  CHECK(bench.said("run.resumed"));
  CHECK((*service->store().model(1))->sha256 == simulated({{"meta.rounds", "40"}}));
  CHECK((*service->store().model(2))->sha256 == simulated({{"seed", "9"}}));
}

TEST_CASE("fleet service: a run is paused, resumed and stopped, and keeps what it learned", "[service][broker]") {
  Bench bench;
  const Devices devices(bench.broker, device_ids(6));
  const auto service = bench.service();
  REQUIRE(service->queue_run(order({{"meta.rounds", "60"}}), "test").has_value());
  REQUIRE(service->queue_run(order({{"meta.rounds", "100000"}}), "test").has_value());
  REQUIRE(bench.lead(*service, [&] { return bench.rounds_done[1] >= 3; }));

  REQUIRE(service->pause_run(1, "test").has_value());
  CHECK(phase_of(*service, 1) == RunPhase::kPaused);
  const auto then = std::chrono::steady_clock::now();
  const auto done = bench.rounds_done;
  ServicePhase phase = ServicePhase::kIdle;
  REQUIRE(bench.lead(*service, [&] {
    phase = service->state().phase;
    return std::chrono::steady_clock::now() - then > 4s;
  }));
  CHECK(bench.rounds_done == done);  // the run behind it waits for its turn
  CHECK(phase == ServicePhase::kPaused);
  CHECK_FALSE(service->resume_run(2, "test").has_value());
  REQUIRE(service->resume_run(1, "test").has_value());
  REQUIRE(bench.lead(*service, [&] { return bench.rounds_done[2] >= 2; }));
  CHECK((*service->store().model(1))->sha256 == simulated({{"meta.rounds", "60"}}));

  REQUIRE(service->stop_run(2, "test").has_value());
  const auto stopped = service->store().run(2);
  CHECK((*stopped)->phase == RunPhase::kStopped);
  CHECK((*stopped)->reason == "stopped by test");
  const auto model = service->store().model(2);
  REQUIRE((model.has_value() && model->has_value()));
  CHECK((*model)->rounds == (*stopped)->rounds_done);
  CHECK((*model)->sha256 == simulated({{"meta.rounds", "100000"}}, nullptr, (*model)->rounds));
  const auto refused = service->stop_run(2, "test");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message == "run 2 is over: it is stopped");
  CHECK_FALSE(service->pause_run(77, "test").has_value());
}

TEST_CASE("fleet service: a run whose devices do not come fails and says who is missing", "[service][broker]") {
  Bench bench;
  const Devices devices(bench.broker, device_ids(5));
  const auto service = bench.service();
  FleetDevice absent;
  absent.row.id = "device-006";
  absent.labels = "{}";
  REQUIRE(service->describe_device(absent, "test").has_value());
  RunOrder waits = order();
  waits.wait_s = 2;
  REQUIRE(service->queue_run(waits, "test").has_value());
  ServicePhase before = ServicePhase::kIdle;
  ServicePhase after = ServicePhase::kBrokerLost;
  REQUIRE(bench.lead(*service, [&] {
    after = service->state().phase;
    const bool has_failed = phase_of(*service, 1) == RunPhase::kFailed;
    if (!has_failed && after == ServicePhase::kWaiting) before = after;
    return has_failed;
  }));
  const auto row = service->store().run(1);
  CHECK((*row)->reason == "waited 2 s for its devices: 5 of 6 devices are there; missing: device-006");
  CHECK(before == ServicePhase::kWaiting);
  CHECK(after == ServicePhase::kIdle);
}

TEST_CASE("fleet service: a run that no device can do fails with the reason, and the next one begins",
          "[service][broker]") {
  Bench bench;
  const Devices devices(bench.broker, device_ids(6));
  const auto service = bench.service();
  REQUIRE(
      service->queue_run(order({{"model.layers.0.units", "3000"}, {"fleet.deadline_ms", "500"}}), "test").has_value());
  REQUIRE(service->queue_run(order(), "test").has_value());
  REQUIRE(bench.lead(*service, [&] { return phase_of(*service, 2) == RunPhase::kFinished; }));
  const auto run = service->store().run(1);
  REQUIRE((run.has_value() && run->has_value()));
  INFO((*run)->reason);
  CHECK((*run)->phase == RunPhase::kFailed);
  CHECK((*run)->reason.find("does_not_fit") != std::string::npos);
  CHECK((*run)->rounds_done == 0);
}

TEST_CASE("fleet service: a forgotten device is not waited for, and is new when it is heard again",
          "[service][broker]") {
  Bench bench;
  std::optional<Devices> devices(std::in_place, bench.broker, device_ids(6));
  const auto service = bench.service();
  FleetDevice described;
  described.row.id = "device-000";
  described.group = "hall";
  described.labels = "{}";
  described.excluded = true;
  REQUIRE(service->queue_run(order({{"meta.rounds", "100000"}}), "test").has_value());
  REQUIRE(bench.lead(*service, [&] { return bench.rounds_done[1] >= 3; }));
  REQUIRE(service->describe_device(described, "test").has_value());
  const auto why_not = [&]() -> std::string {
    const auto forgotten = service->forget_device("device-000", "test");
    return forgotten ? (*forgotten ? "forgotten" : "not known") : forgotten.error().message;
  };
  CHECK(why_not().starts_with("device-000 is online"));
  devices.reset();
  REQUIRE(bench.lead(*service, [&] { return service->devices().online() == 0; }));
  CHECK(why_not().starts_with("device-000 takes part in run 1, which is running"));
  REQUIRE(service->pause_run(1, "test").has_value());
  CHECK(why_not().starts_with("device-000 takes part in run 1, which is paused"));
  REQUIRE(service->stop_run(1, "test").has_value());
  CHECK_FALSE(service->store().conduct()->empty());
  CHECK(why_not() == "forgotten");
  CHECK(why_not() == "not known");
  CHECK_FALSE(service->store().device("device-000")->has_value());

  devices.emplace(bench.broker,
                  std::vector<std::string>{"device-001", "device-002", "device-003", "device-004", "device-005"});
  REQUIRE(service->queue_run(order(), "test").has_value());
  std::string reason;
  REQUIRE(bench.lead(*service, [&] {
    reason = service->state().reason;
    return service->state().phase == ServicePhase::kWaiting && service->devices().online() == 5;
  }));
  CHECK(reason == "5 of 6 devices are there");  // nobody is missing by name
  CHECK_FALSE(service->store().device("device-000")->has_value());
  for (const DeviceConduct& one : *service->store().conduct()) CHECK(one.id != "device-000");
  const Devices again(bench.broker, {"device-000"});
  REQUIRE(bench.lead(*service, [&] { return phase_of(*service, 2) == RunPhase::kFinished; }));
  const auto device = service->store().device("device-000");
  REQUIRE((device.has_value() && device->has_value()));
  CHECK((*device)->group.empty());
  CHECK_FALSE((*device)->excluded);
  const auto audit = service->store().audit({});
  CHECK(std::count_if(audit->begin(), audit->end(),
                      [](const AuditRow& row) { return row.action == "device.forget"; }) == 1);
  CHECK(bench.said("device.forgotten"));
}

TEST_CASE("fleet service: only the selected devices take part", "[service][broker]") {
  Bench bench;
  const Devices devices(bench.broker, device_ids(7));
  const auto service = bench.service();
  for (const std::string& id : device_ids(7)) {
    FleetDevice device;
    device.row.id = id;
    device.group = id == "device-003" ? "hall-2" : "hall-1";
    device.labels = R"({"floor": "1"})";
    REQUIRE(service->describe_device(device, "test").has_value());
  }
  RunOrder selected = order();
  selected.selection = {"hall-1", "floor=1", "skink-edge"};
  REQUIRE(service->queue_run(selected, "test").has_value());
  REQUIRE(bench.lead(*service, [&] { return phase_of(*service, 1) == RunPhase::kFinished; }));
  const auto store = Store::open_to_read(service->run_folder(1) + "/store.db");
  REQUIRE(store.has_value());
  const auto snapshot = store->load();
  REQUIRE(snapshot.has_value());
  CHECK(snapshot->roster ==
        std::vector<std::string>{"device-000", "device-001", "device-002", "device-004", "device-005", "device-006"});
  selected.selection = {"hall-9", "", ""};
  selected.wait_s = 1;
  REQUIRE(service->queue_run(selected, "test").has_value());
  REQUIRE(bench.lead(*service, [&] { return phase_of(*service, 2) == RunPhase::kFailed; }));
}

TEST_CASE("fleet service: a second coordinator of one fleet is named as what may be wrong", "[service][broker]") {
  Bench bench;
  const auto service = bench.service();
  Settings other = bench.settings;
  other.state = bench.broker.folder() + "/other";
  const auto second = FleetService::create(other);
  REQUIRE(second.has_value());
  std::atomic<bool> is_over{false};
  std::thread rival([&] { (void)(*second)->run({}, [&] { return is_over.load(); }); });
  const auto named = [&] {
    return std::any_of(bench.events.begin(), bench.events.end(),
                       [](const EventRow& event) { return event.event == "lease.contested"; });
  };
  CHECK(bench.lead(*service, named));
  is_over = true;
  rival.join();
}

TEST_CASE("fleet service: what cannot be led is refused when it is queued", "[service][broker]") {
  Bench bench;
  const auto service = bench.service();
  CHECK_FALSE(service->queue_run(order({{"meta.strategy", "none"}}), "test").has_value());
  CHECK_FALSE(service->queue_run(order({{"meta.rouds", "3"}}), "test").has_value());
  RunOrder from_nowhere = order();
  from_nowhere.init_model = 4;
  const auto refused = service->queue_run(from_nowhere, "test");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message == "there is no model 4");
  CHECK(service->store().runs({})->empty());

  Settings other = bench.settings;
  other.fleet = "other";
  const auto second = FleetService::create(bench.settings);
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().message.find("another coordinator has it open") != std::string::npos);
}
