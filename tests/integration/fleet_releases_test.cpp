#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "fleet_bench.hpp"
#include "skink/host/mqtt/session.hpp"

using namespace skink;
using namespace skink::test;

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

/// A run whose model all get.
RunOrder released(int rounds) {
  RunOrder run = order({{"meta.rounds", std::to_string(rounds)}});
  run.release = ReleasePolicy::kAuto;
  return run;
}

void describe_canaries(FleetService& service) {
  for (const char* id : {"device-001", "device-003", "device-004"}) {
    FleetDevice canary;
    canary.row.id = id;
    canary.group = "canaries";
    canary.labels = "{}";
    REQUIRE(service.describe_device(canary, "test").has_value());
  }
}

std::string sha256_of(FleetService& service, std::uint32_t model) { return (*service.store().model(model))->sha256; }

}  // namespace

namespace {

/// What the broker keeps there, seen by the coordinator's own certificate: no service may lead.
std::set<std::string> retained(const Bench& bench, const std::string& topics) {
  mqtt::SessionOptions options;
  options.host = bench.settings.host;
  options.port = bench.settings.port;
  options.ca_file = bench.settings.ca;
  options.certificate_file = bench.settings.certificate;
  options.key_file = bench.settings.key;
  options.client_id = "coordinator";
  mqtt::EventQueue queue;
  const auto session = mqtt::Session::start(queue, options);
  REQUIRE(session.has_value());
  std::set<std::string> found;
  bool has_asked = false;
  std::vector<mqtt::Event> events;
  for (auto end = std::chrono::steady_clock::now() + 10s; std::chrono::steady_clock::now() < end;) {
    if (!has_asked && (*session)->is_connected()) {
      REQUIRE((*session)->subscribe(topics, mqtt::Quality::kAtLeastOnce).has_value());
      has_asked = true;
      end = std::chrono::steady_clock::now() + 1s;
    }
    queue.wait(events, 20ms);
    for (const mqtt::Event& event : events) {
      if (event.kind == mqtt::EventKind::kMessage && event.retained) found.insert(event.topic);
    }
  }
  REQUIRE(has_asked);
  return found;
}

}  // namespace

TEST_CASE("fleet service: three runs, releases to all and to a group, and one back: every device ends with the model",
          "[service][broker]") {
  Bench bench;
  bench.settings.model_chunk_bytes = 512;
  std::optional<Devices> devices;
  devices.emplace(bench.broker, device_ids(6));
  const auto service = bench.service();
  REQUIRE(service->queue_run(released(6), "test").has_value());
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

TEST_CASE("fleet service: a release comes in chunks of the size that the service has now", "[service][broker]") {
  Bench bench;
  bench.settings.model_chunk_bytes = 256;
  std::optional<Devices> devices;
  devices.emplace(bench.broker, device_ids(6));
  std::unique_ptr<FleetService> service = bench.service();
  REQUIRE(service->queue_run(released(3), "test").has_value());
  REQUIRE(bench.lead(*service, [&] {
    return phase_of(*service, 1) == RunPhase::kFinished && all_keep(*service, 6, 1, sha256_of(*service, 1));
  }));
  service.reset();
  bench.settings.model_chunk_bytes = 2048;
  service = bench.service();
  devices.emplace(bench.broker, device_ids(7));  // all begin without a release, and one is new
  REQUIRE(bench.lead(*service, [&] { return all_keep(*service, 7, 1, sha256_of(*service, 1)); }));
  service.reset();
  CHECK(retained(bench, "skink/1/demo/release/+/+") == std::set<std::string>{"skink/1/demo/release/0/0"});  // of two
}

/// The number before these words; 0: they are not there.
unsigned long count_of(const std::string& text, const std::string& words) {
  const std::size_t end = text.find(" " + words);
  if (end == std::string::npos) return 0;
  const std::size_t begin = text.rfind(' ', end - 1);
  return std::stoul(text.substr(begin + 1, end - begin - 1));
}

TEST_CASE("fleet service: a release comes to devices of its run by the steps that they lack", "[service][broker]") {
  Bench bench;
  Devices devices(bench.broker, device_ids(6));
  const auto service = bench.service();
  REQUIRE(
      service->queue_run(order({{"meta.rounds", "12"}, {"meta.cohort", "1"}, {"codec.downlink", "eden:1+ef"}}), "test")
          .has_value());
  REQUIRE(bench.lead(*service, [&] { return phase_of(*service, 1) == RunPhase::kFinished; }));
  const auto said = std::chrono::steady_clock::now() + 3s;
  REQUIRE(bench.lead(*service, [&] { return std::chrono::steady_clock::now() > said; }));
  const unsigned long patched = count_of(devices.progress(), "patched");
  INFO(devices.progress());
  REQUIRE(service->release_model(1, "", "test").has_value());
  REQUIRE(bench.lead(*service, [&] { return all_keep(*service, 6, 1, sha256_of(*service, 1)); }));
  const edge::ClientCounters counted = devices.stop();
  CHECK(counted.releases == 6);
  CHECK(counted.patched > patched);  // training devices have the models of their own last rounds
  CHECK(counted.patches_failed == 0);
}

TEST_CASE("fleet service: a gate holds a worse model back, and lets a better one through", "[service][broker]") {
  Bench bench;
  const Devices devices(bench.broker, device_ids(6));
  const auto service = bench.service();
  REQUIRE(service->queue_run(released(60), "test").has_value());  // model 1: for all
  REQUIRE(
      service->queue_run(order({{"seed", "8"}, {"meta.rounds", "1"}}), "test").has_value());  // model 2: hardly learned
  RunOrder longer = order({{"seed", "9"}, {"meta.rounds", "300"}});
  longer.init_model = 1;
  REQUIRE(bench.lead(*service, [&] { return phase_of(*service, 2) == RunPhase::kFinished; }));
  REQUIRE(service->queue_run(longer, "test").has_value());  // model 3: goes on from the first
  REQUIRE(bench.lead(*service, [&] {
    return phase_of(*service, 3) == RunPhase::kFinished && all_keep(*service, 6, 1, sha256_of(*service, 1));
  }));
  describe_canaries(*service);
  const Gate gate{0.0, 2, 30};
  CHECK_FALSE(service->try_model(2, "canaries", {0.0, 3, 30}, "test").has_value());  // before anybody is there

  std::optional<Result<std::uint32_t>> asked;
  // A service that stops before its release has gone out would be waited for: devices ask again after half a minute.
  const auto judged = [&](std::uint32_t model, std::uint32_t release) {
    asked.reset();
    return bench.lead(*service, [&] {
      if (!asked && service->devices().online() == 6) asked = service->try_model(model, "canaries", gate, "test");
      if (!asked || !asked->has_value()) return asked.has_value();
      const auto trials = service->store().trials({**asked - 1, 1});
      return trials->front().phase != TrialPhase::kJudging &&
             all_keep(*service, 6, release, sha256_of(*service, release == 1 ? 1 : model));
    });
  };
  REQUIRE(judged(2, 1));
  REQUIRE(asked->has_value());
  const auto worse = service->store().trials({});
  REQUIRE(worse->size() == 1);
  INFO(worse->front().reason);
  CHECK(worse->front().phase == TrialPhase::kHeldBack);
  CHECK(worse->front().reason.find("is below") != std::string::npos);
  CHECK(worse->front().gains.find("device-00") != std::string::npos);
  CHECK(service->store().releases({})->size() == 1);
  CHECK(service->store().models({})->size() == 3);  // evaluations leave none

  REQUIRE(judged(3, 2));
  REQUIRE(asked->has_value());
  const auto better = service->store().trials({1, 1});
  REQUIRE(better->size() == 1);
  INFO(better->front().reason);
  CHECK(better->front().phase == TrialPhase::kReleased);
  CHECK(better->front().release == 2);
}

TEST_CASE("fleet service: the model of a gated run is tried before it is released", "[service][broker]") {
  Bench bench;
  const Devices devices(bench.broker, device_ids(6));
  const auto service = bench.service();
  REQUIRE(service->queue_run(released(60), "test").has_value());  // model 1: for all
  REQUIRE(bench.lead(*service, [&] {
    return phase_of(*service, 1) == RunPhase::kFinished && all_keep(*service, 6, 1, sha256_of(*service, 1));
  }));
  describe_canaries(*service);
  const auto gated = [](std::vector<Override> overrides, std::uint32_t init) {
    RunOrder run = order(std::move(overrides));
    run.init_model = init;
    run.release = ReleasePolicy::kGated;
    run.gate_group = "canaries";
    run.gate = {0.0, 2, 30};
    return run;
  };
  const auto is_decided = [&](std::uint32_t trial) {
    const auto trials = service->store().trials({trial - 1, 1});
    return !trials->empty() && trials->front().phase != TrialPhase::kJudging;
  };
  REQUIRE(service->queue_run(gated({{"seed", "8"}, {"meta.rounds", "1"}}, 0), "test").has_value());  // hardly learned
  REQUIRE(bench.lead(*service, [&] { return is_decided(1); }));
  const TrialRow worse = service->store().trials({0, 1})->front();
  INFO(worse.reason);
  CHECK(worse.phase == TrialPhase::kHeldBack);
  CHECK((worse.model == 2 && worse.old_model == 1 && worse.group == "canaries"));
  CHECK(service->store().releases({})->size() == 1);
  CHECK(all_keep(*service, 6, 1, sha256_of(*service, 1)));

  REQUIRE(service->queue_run(gated({{"seed", "9"}, {"meta.rounds", "300"}}, 1), "test").has_value());
  REQUIRE(bench.lead(*service, [&] { return is_decided(2) && all_keep(*service, 6, 2, sha256_of(*service, 3)); }));
  const TrialRow better = service->store().trials({1, 1})->front();
  INFO(better.reason);
  CHECK((better.phase == TrialPhase::kReleased && better.release == 2));
  CHECK(service->store().trials({})->size() == 2);
}

TEST_CASE("fleet service: a gated run of a group is measured against that group's release, and released to it",
          "[service][broker]") {
  Bench bench;
  const Devices devices(bench.broker, device_ids(6));
  const auto service = bench.service();
  REQUIRE(service->queue_run(released(60), "test").has_value());                                  // model 1: for all
  REQUIRE(service->queue_run(order({{"seed", "8"}, {"meta.rounds", "1"}}), "test").has_value());  // model 2
  REQUIRE(bench.lead(*service, [&] {
    return phase_of(*service, 2) == RunPhase::kFinished && all_keep(*service, 6, 1, sha256_of(*service, 1));
  }));
  describe_canaries(*service);
  REQUIRE(service->release_model(2, "canaries", "test").has_value());
  RunOrder run = order({{"fleet.devices", "3"}, {"fleet.held_out", "1"}, {"meta.cohort", "2"}, {"seed", "9"}});
  run.init_model = 1;
  run.selection.group = "canaries";
  run.release = ReleasePolicy::kGated;
  run.gate_group = "canaries";
  run.gate = {0.0, 2, 30};
  REQUIRE(service->queue_run(run, "test").has_value());  // model 3: worse than 1 or not, much better than 2
  REQUIRE(bench.lead(*service, [&] {
    const auto trials = service->store().trials({});
    return !trials->empty() && trials->front().phase != TrialPhase::kJudging &&
           all_keep(*service, 3, 3, sha256_of(*service, 3));
  }));
  const TrialRow trial = service->store().trials({})->front();
  INFO(trial.reason);
  CHECK((trial.model == 3 && trial.old_model == 2));
  CHECK((trial.phase == TrialPhase::kReleased && trial.release == 3));
  CHECK(service->store().releases({2, 1})->front().group == "canaries");
  CHECK(all_keep(*service, 3, 1, sha256_of(*service, 1)));  // the others
}

TEST_CASE("fleet service: a trial whose run is stopped is held back, and its other run does not begin",
          "[service][broker]") {
  Bench bench;
  const Devices devices(bench.broker, device_ids(6));
  const auto service = bench.service();
  REQUIRE(service->queue_run(released(6), "test").has_value());
  REQUIRE(service->queue_run(order({{"seed", "8"}}), "test").has_value());
  REQUIRE(bench.lead(*service, [&] {
    return phase_of(*service, 2) == RunPhase::kFinished && all_keep(*service, 6, 1, sha256_of(*service, 1));
  }));
  describe_canaries(*service);
  std::uint32_t old_run = 0;
  REQUIRE(bench.lead(*service, [&] {
    if (service->devices().online() < 6) return false;
    if (old_run == 0) {
      REQUIRE(service->try_model(2, "canaries", {0.0, 2, 30}, "test").has_value());
      old_run = service->store().trials({})->front().old_run;
      REQUIRE(service->stop_run(old_run, "test").has_value());
    }
    return true;
  }));
  const TrialRow trial = service->store().trials({})->front();
  INFO(trial.reason);
  CHECK(trial.phase == TrialPhase::kHeldBack);
  CHECK(trial.reason.find("stopped by test") != std::string::npos);
  CHECK(phase_of(*service, trial.new_run) == RunPhase::kStopped);
  CHECK(service->store().releases({})->size() == 1);
}

TEST_CASE("fleet service: a run whose model cannot be released is refused", "[service][broker]") {
  Bench bench;
  bench.settings.release_pki.clear();
  const auto service = bench.service();
  RunOrder run = order();
  for (const auto release : {ReleasePolicy::kAuto, ReleasePolicy::kGated}) {
    run.release = release;
    CHECK(service->queue_run(run, "test").error().code == make_error_code(Status::kInvalidArgument));
  }
}
