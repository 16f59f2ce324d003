#pragma once
/// @file
/// A fleet service for a test: broker, devices of one small experiment, and what the simulator makes of the same.

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "broker.hpp"
#include "skink/common/provisioning/signed_release.hpp"
#include "skink/coordinator/provisioning/release_signing.hpp"
#include "skink/coordinator/service/fleet_service.hpp"
#include "skink/edge/linux/client_host.hpp"
#include "skink/host/experiment/model_match.hpp"
#include "skink/host/experiment/tasks.hpp"
#include "skink/simulations/run.hpp"

namespace skink::test {

using namespace coordinator;
using namespace std::chrono_literals;

inline constexpr const char* kExperiment = R"(
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
clip_factor = 0
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
    options.log = [this](const LogLine& line) {
      const std::lock_guard lock(mutex_);
      if (std::string(line.event) == "devices.progress") progress_ = line.text;
    };
    auto host = edge::ClientHost::create(prepared_->experiment, prepared_->tasks, options);
    REQUIRE(host.has_value());
    host_ = std::move(*host);
    thread_ = std::thread([this] { (void)host_->run(stop_); });
  }
  ~Devices() { stop(); }
  /// Ends them. @returns what they counted.
  edge::ClientCounters stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    return host_->counters();
  }
  /// What they said of it last; they do so every second, if it has changed.
  std::string progress() {
    const std::lock_guard lock(mutex_);
    return progress_;
  }

 private:
  std::optional<PreparedTasks> prepared_;
  std::unique_ptr<edge::ClientHost> host_;
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::string progress_;
  std::thread thread_;
};

inline std::vector<std::string> device_ids(std::size_t count) {
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < count; ++i) ids.push_back("device-00" + std::to_string(i));
  return ids;
}

/// Where a service finds everything; it is made by service() and led by lead().
struct Bench {
  /// Its broker must be installed.
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

inline RunOrder order(const std::vector<Override>& overrides = {}) {
  RunOrder order;
  order.experiment_text = kExperiment;
  order.overrides = overrides;
  return order;
}

/// The model that the simulator ends with, after so many rounds where they are given.
inline std::string simulated(const std::vector<Override>& overrides, const std::vector<std::uint8_t>* initial = nullptr,
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

inline RunPhase phase_of(FleetService& service, std::uint32_t number) { return (*service.store().run(number))->phase; }

}  // namespace skink::test
