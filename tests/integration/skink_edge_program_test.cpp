/// @file
/// The program skink-edge from outside: its exit codes, what it says, and how it ends.

#include <signal.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "broker.hpp"
#include "skink/common/wire/messages.hpp"
#include "skink/host/mqtt/session.hpp"
#include "skink/host/program/exit_codes.hpp"

using namespace skink;
using namespace std::chrono_literals;

namespace {

std::string program() {
  const char* folder = std::getenv("SKINK_BIN_DIR");
  return std::string(folder != nullptr ? folder : SKINK_TEST_BIN_DIR) + "/skink-edge";
}

std::string sine_experiment() { return test::source_dir() + "/experiments/sine.toml"; }

struct Ended {
  int code = -1;
  std::string output;
};

/// Runs skink-edge until it ends by itself.
Ended run(const std::string& folder, const std::vector<std::string>& arguments, std::chrono::seconds timeout = 20s) {
  const std::string log = folder + "/edge.log";
  std::filesystem::remove(log);
  std::vector<std::string> command = {program()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  test::Process process(command, log);
  const auto code = process.wait(timeout);
  return {code.value_or(-1), test::read_file(log)};
}

bool is(const Ended& ended, ExitCode code) { return ended.code == static_cast<int>(code); }

/// Sanitizers slow a program down manyfold.
std::chrono::seconds patience() {
  const char* sanitizer = std::getenv("SKINK_SANITIZE");
  return sanitizer != nullptr && *sanitizer != '\0' ? 10s : 2s;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("skink-edge: wrong command lines and files end with their exit codes", "[edge][linux][broker]") {
  const auto broker = test::Broker::start({});
  if (!broker) return;
  const std::string& folder = broker->folder();
  const auto with = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words = {"--broker", broker->address(), "--fleet", "demo", "--identity", broker->pki()};
    words.insert(words.end(), more.begin(), more.end());
    return run(folder, words);
  };
  CHECK(is(run(folder, {"--help"}), ExitCode::kOk));
  CHECK(is(run(folder, {}), ExitCode::kUsage));
  CHECK(is(with({"--experiment", sine_experiment()}), ExitCode::kUsage));  // no device
  CHECK(is(with({"--experiment", sine_experiment(), "--id", "a", "--count", "1"}), ExitCode::kUsage));
  CHECK(is(with({"--experiment", sine_experiment(), "--id", "device-000", "--set", "nonsense"}), ExitCode::kUsage));
  CHECK(is(run(folder, {"--broker", "nowhere", "--fleet", "demo", "--identity", broker->pki(), "--experiment",
                        sine_experiment(), "--id", "device-000"}),
           ExitCode::kUsage));

  const Ended absent = with({"--experiment", folder + "/absent.toml", "--count", "1"});
  CHECK(is(absent, ExitCode::kConfiguration));
  CHECK(contains(absent.output, "absent.toml"));
  const Ended unknown = with({"--experiment", sine_experiment(), "--count", "1", "--set", "meta.nonsense=1"});
  CHECK(is(unknown, ExitCode::kConfiguration));
  CHECK(contains(unknown.output, "nonsense"));

  const Ended no_data =
      with({"--experiment", test::source_dir() + "/experiments/omniglot-5w5s.toml", "--count", "1", "--data", folder});
  CHECK(is(no_data, ExitCode::kData));

  const Ended no_identity = with({"--experiment", sine_experiment(), "--id", "device-999"});
  CHECK(is(no_identity, ExitCode::kCredentials));
  CHECK(contains(no_identity.output, "device-999"));
}

TEST_CASE("skink-edge: certificates that are refused end it with the reason", "[edge][linux][broker]") {
  const auto broker = test::Broker::start({.devices = 2, .expired = {"old"}});
  if (!broker) return;
  const std::vector<std::string> common = {"--broker", broker->address(), "--fleet",
                                           "demo",     "--experiment",    sine_experiment()};
  const auto with = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words = common;
    words.insert(words.end(), more.begin(), more.end());
    return run(broker->folder(), words);
  };
  const Ended expired = with({"--identity", broker->pki(), "--id", "old"});
  INFO(expired.output);
  CHECK(is(expired, ExitCode::kCredentials));
  CHECK(contains(expired.output, "devices/old/cert.pem"));
  CHECK(contains(expired.output, "has expired on"));

  const Ended foreign = with({"--identity", broker->foreign_pki(), "--count", "1"});
  INFO(foreign.output);
  CHECK(is(foreign, ExitCode::kCredentials));
  CHECK(contains(foreign.output, "certificate verify failed"));
  CHECK(contains(foreign.output, broker->foreign_pki() + "/ca.pem"));
}

TEST_CASE("skink-edge: another device's certificate and another fleet's name are said to be that",
          "[edge][linux][broker]") {
  const auto broker = test::Broker::start({.devices = 2});
  if (!broker) return;
  const auto with = [&](const std::string& identity, const std::string& fleet) {
    return std::vector<std::string>{"--broker",     broker->address(), "--fleet", fleet,
                                    "--experiment", sine_experiment(), "--id",    "device-000",
                                    "--identity",   identity};
  };
  const Ended absent_fleet = [&] {
    const std::string log = broker->folder() + "/fleet.log";
    std::vector<std::string> command = {program()};
    for (const std::string& word : with(broker->pki(), "other")) command.push_back(word);
    test::Process process(command, log);
    const auto said = [&log] { return contains(test::read_file(log), "is the fleet's name right?"); };
    CHECK(test::wait_until(20s, said));
    process.signal(SIGTERM);
    return Ended{process.wait(20s).value_or(-1), test::read_file(log)};
  }();
  INFO(absent_fleet.output);
  CHECK(is(absent_fleet, ExitCode::kOk));

  const std::string mixed = broker->folder() + "/mixed";
  std::filesystem::copy(broker->pki(), mixed, std::filesystem::copy_options::recursive);
  for (const char* file : {"/cert.pem", "/key.pem"}) {
    std::filesystem::copy_file(broker->device("device-001") + file, mixed + "/devices/device-000" + file,
                               std::filesystem::copy_options::overwrite_existing);
  }
  const Ended swapped = run(broker->folder(), with(mixed, "demo"));
  INFO(swapped.output);
  CHECK(is(swapped, ExitCode::kCredentials));
  CHECK(contains(swapped.output, "mixed/devices/device-000/cert.pem' is for 'device-001', not for 'device-000'"));
}

TEST_CASE("skink-edge: without a broker it ends after --connect-timeout", "[edge][linux][broker]") {
  const auto broker = test::Broker::start({});
  if (!broker) return;
  broker->kill();
  const Ended ended =
      run(broker->folder(), {"--broker", broker->address(), "--fleet", "demo", "--experiment", sine_experiment(),
                             "--identity", broker->pki(), "--count", "1", "--connect-timeout", "1"});
  CHECK(is(ended, ExitCode::kUnreachable));
  CHECK(contains(ended.output, "Connection refused"));
  CHECK(contains(ended.output, broker->address()));
}

TEST_CASE("skink-edge: SIGTERM and SIGINT end it within 2 s, and its devices say that they are offline",
          "[edge][linux][broker]") {
  constexpr std::size_t kDevices = 20;
  const auto broker = test::Broker::start({.devices = static_cast<int>(kDevices)});
  if (!broker) return;
  mqtt::EventQueue queue;
  mqtt::SessionOptions options;
  options.port = static_cast<std::uint16_t>(broker->port());
  options.ca_file = broker->pki() + "/ca.pem";
  options.certificate_file = broker->pki() + "/coordinator/cert.pem";
  options.key_file = broker->pki() + "/coordinator/key.pem";
  options.client_id = "coordinator";
  const auto watcher = mqtt::Session::start(queue, options);
  REQUIRE(watcher.has_value());
  std::size_t online = 0;
  std::size_t offline = 0;
  const auto watch = [&](std::chrono::milliseconds time) {
    std::vector<mqtt::Event> events;
    queue.wait(events, time);
    for (const mqtt::Event& event : events) {
      if (event.kind == mqtt::EventKind::kConnected) {
        REQUIRE((*watcher)->subscribe("skink/1/demo/dev/+/state", mqtt::Quality::kAtLeastOnce).has_value());
      }
      if (event.kind != mqtt::EventKind::kMessage) continue;
      ++(event.payload.empty() ? offline : online);
    }
  };
  for (const int signal_number : {SIGTERM, SIGINT}) {
    online = 0;
    test::Process edge({program(), "--broker", broker->address(), "--fleet", "demo", "--experiment", sine_experiment(),
                        "--identity", broker->pki(), "--count", std::to_string(kDevices)},
                       broker->folder() + "/edge.log");
    REQUIRE(test::wait_until(20s, [&] {
      watch(10ms);
      return online == kDevices;
    }));
    offline = 0;
    edge.signal(signal_number);
    CHECK(edge.wait(patience()).value_or(-1) == 0);
    CHECK(test::wait_until(2s, [&] {
      watch(10ms);
      return offline == kDevices;
    }));
  }
}
