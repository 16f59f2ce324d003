#include "skink/coordinator/service/fleet_service.hpp"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <map>
#include <optional>
#include <thread>

#include "broker.hpp"
#include "skink/common/provisioning/signed_release.hpp"
#include "skink/coordinator/provisioning/release_signing.hpp"
#include "skink/edge/linux/client_host.hpp"
#include "skink/host/experiment/model_match.hpp"
#include "skink/host/experiment/tasks.hpp"
#include "skink/simulations/run.hpp"

using namespace skink;
using namespace skink::coordinator;
using namespace std::chrono_literals;

namespace {

constexpr const char* kExperiment = R"(
name = "service-test"
seed = 7
[model]
input = [1]
loss = "mean_squared_error"
layers = [
  { type = "dense", units = 16, initializer = "kinks", slopes = [1.0, 2.0], inputs = [-5.0, 5.0] },
  { type = "relu" },
  { type = "dense", units = 1, initializer = "he_uniform" },
]
[task]
source = "sine"
support_size = 8
query_size = 8
[meta]
strategy = "reptile"
rounds = 6
cohort = 3
inner_learning_rate = 0.005
meta_learning_rate = 0.5
[evaluation]
final_tasks = 4
inner_learning_rate = 0.005
[fleet]
devices = 6
held_out = 2
offline_ms = 500
)";

/// Devices of the test's experiment, on a thread of their own.
class Devices {
 public:
  Devices(const test::Broker& broker, std::vector<std::string> ids) {
    const auto experiment = parse_experiment(kExperiment, "test");
    REQUIRE(experiment.has_value());
    prepared_.emplace(*prepare_tasks(*experiment, std::string()));
    edge::ClientHostOptions options;
    options.fleet = "demo";
    options.broker = {"127.0.0.1", static_cast<std::uint16_t>(broker.port())};
    options.identity = broker.pki();
    options.device_ids = std::move(ids);
    options.threads = 1;
    auto host = edge::ClientHost::create(prepared_->experiment, prepared_->tasks, options);
    REQUIRE(host.has_value());
    host_ = std::move(*host);
    thread_ = std::thread([this] { (void)host_->run(stop_); });
  }
  ~Devices() {
    stop_ = true;
    thread_.join();
  }

 private:
  std::optional<PreparedTasks> prepared_;
  std::unique_ptr<edge::ClientHost> host_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

std::vector<std::string> device_ids(std::size_t count) {
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < count; ++i) ids.push_back("device-00" + std::to_string(i));
  return ids;
}

struct Bench {
  Bench() : started(test::Broker::start({.devices = 7})), broker(*started) {
    settings.state = broker.folder() + "/state";
    settings.host = "127.0.0.1";
    settings.port = static_cast<std::uint16_t>(broker.port());
    settings.ca = broker.pki() + "/ca.pem";
    settings.certificate = broker.pki() + "/coordinator/cert.pem";
    settings.key = broker.pki() + "/coordinator/key.pem";
    settings.fleet = "demo";
    settings.master_key = broker.pki() + "/master.key";
    settings.threads = 1;
    settings.release_pki = broker.pki();
    REQUIRE(provisioning::make_release(broker.pki(), provisioning::ReleaseKind::kFirmware, "makes-the-key", 1, "-")
                .has_value());
  }

  /// Leads until `until` says so; false: it did not within a minute.
  bool lead(FleetService& service, const std::function<bool()>& until) {
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    bool timed_out = false;
    FleetObserver observer;
    observer.on_event = [this](const EventRow& event) { events.push_back(event); };
    observer.on_round = [this](const RunRow& run, const Coordinator& core) {
      rounds_done[run.number] = core.rounds_done();
    };
    const ServiceEnd end = service.run(observer, [&] {
      timed_out = std::chrono::steady_clock::now() > deadline;
      return timed_out || until();
    });
    CHECK(end == ServiceEnd::kStopped);
    return !timed_out;
  }

  bool said(const std::string& name) const {
    return std::any_of(events.begin(), events.end(), [&name](const EventRow& event) { return event.event == name; });
  }

  std::unique_ptr<FleetService> service() {
    auto made = FleetService::create(settings);
    REQUIRE(made.has_value());
    return std::move(*made);
  }

  std::unique_ptr<test::Broker> started;
  test::Broker& broker;
  Settings settings;
  std::vector<EventRow> events;
  std::map<std::uint32_t, std::uint32_t> rounds_done;  ///< by run
};

RunOrder order(const std::vector<Override>& overrides = {}) {
  RunOrder order;
  order.experiment_text = kExperiment;
  order.overrides = overrides;
  return order;
}

/// The model that the simulator ends with, after so many rounds where they are given.
std::string simulated(const std::vector<Override>& overrides, const std::vector<std::uint8_t>* initial = nullptr,
                      std::uint32_t rounds = 0) {
  simulations::RunOptions options;
  const auto experiment = parse_experiment(kExperiment, "test", overrides);
  REQUIRE(experiment.has_value());
  options.experiment = *experiment;
  if (initial != nullptr) {
    REQUIRE(set_initial_model(options.experiment, {initial->data(), initial->size()}, "model").has_value());
  }
  std::uint32_t done = 0;
  options.on_progress = [&done](const simulations::Progress& progress) { done = progress.rounds_done; };
  if (rounds != 0) options.stop = [&done, rounds] { return done >= rounds; };
  const auto result = simulations::run_experiment(options);
  REQUIRE(result.has_value());
  return result->summary.model_sha256;
}

RunPhase phase_of(FleetService& service, std::uint32_t number) { return (*service.store().run(number))->phase; }

}  // namespace

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

namespace {

/// Do so many devices keep this release, whose model has this hash?
bool all_keep(FleetService& service, std::size_t count, std::uint32_t release, const std::string& sha256) {
  const auto devices = service.store().devices("", 100);
  REQUIRE(devices.has_value());
  crypto::Digest digest;
  REQUIRE(crypto::from_hex(sha256.data(), sha256.size(), digest));
  return static_cast<std::size_t>(std::count_if(devices->begin(), devices->end(), [&](const FleetDevice& device) {
           return device.row.release == release && device.row.release_model == crypto::prefix_of(digest);
         })) == count;
}

std::string sha256_of(FleetService& service, std::uint32_t model) { return (*service.store().model(model))->sha256; }

}  // namespace

TEST_CASE("fleet service: three runs, releases to all and to a group, and one back: every device ends with the model",
          "[service][broker]") {
  Bench bench;
  std::optional<Devices> devices;
  devices.emplace(bench.broker, device_ids(6));
  const auto service = bench.service();
  RunOrder automatic = order();
  automatic.release = ReleasePolicy::kAuto;
  REQUIRE(service->queue_run(automatic, "test").has_value());
  REQUIRE(service->queue_run(order({{"seed", "8"}}), "test").has_value());
  REQUIRE(bench.lead(*service, [&] {
    return phase_of(*service, 2) == RunPhase::kFinished && all_keep(*service, 6, 1, sha256_of(*service, 1));
  }));

  FleetDevice canary;
  canary.row.id = "device-002";
  canary.group = "canaries";
  canary.labels = "{}";
  REQUIRE(service->describe_device(canary, "test").has_value());
  REQUIRE(service->release_model(2, "canaries", "test").has_value());
  REQUIRE(bench.lead(*service, [&] { return all_keep(*service, 1, 2, sha256_of(*service, 2)); }));
  CHECK(all_keep(*service, 5, 1, sha256_of(*service, 1)));

  REQUIRE(service->release_model(2, "", "test").has_value());
  REQUIRE(bench.lead(*service, [&] { return all_keep(*service, 6, 3, sha256_of(*service, 2)); }));
  REQUIRE(service->release_model(1, "", "test").has_value());  // back
  REQUIRE(bench.lead(*service, [&] { return all_keep(*service, 6, 4, sha256_of(*service, 1)); }));

  devices.emplace(bench.broker, device_ids(7));  // all begin without a release, and one is new
  REQUIRE(bench.lead(*service, [&] { return all_keep(*service, 7, 4, sha256_of(*service, 1)); }));
  bench.broker.kill();
  bench.broker.restart();  // with nothing remembered
  devices.emplace(bench.broker, device_ids(7));
  REQUIRE(bench.lead(*service, [&] { return all_keep(*service, 7, 4, sha256_of(*service, 1)); }));
  CHECK_FALSE(service->release_model(9, "", "test").has_value());
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
