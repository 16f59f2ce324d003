#include "skink/host/mqtt/session.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <set>

#include "mqtt_listener.hpp"

using namespace std::chrono_literals;
using namespace skink::test;
using skink::Result;
using skink::Status;
using skink::mqtt::DisconnectReason;
using skink::mqtt::Event;
using skink::mqtt::EventKind;
using skink::mqtt::EventQueue;
using skink::mqtt::Quality;
using skink::mqtt::Retain;
using skink::mqtt::Session;
using skink::mqtt::SessionOptions;
using skink::mqtt::Token;

TEST_CASE("mqtt session: a message goes from one session to another and is acknowledged", "[common][mqtt][broker]") {
  const auto broker = Broker::start({});
  if (!broker) return;
  EventQueue queue;
  Listener events(queue);
  SessionOptions of_device = device(*broker, "device-000");
  of_device.index = 1;
  const auto sender = start(queue, coordinator(*broker));
  const auto receiver = start(queue, of_device);
  events.next(EventKind::kConnected, 0);
  events.next(EventKind::kConnected, 1);
  CHECK(sender->is_connected());
  REQUIRE(receiver->subscribe("skink/1/demo/dev/device-000/task", Quality::kAtLeastOnce).has_value());
  REQUIRE(receiver->subscribe("skink/1/demo/model/+", Quality::kAtLeastOnce).has_value());

  const std::string binary("a\0b\xff", 4);
  const Result<Token> kept =
      sender->publish("skink/1/demo/model/x", bytes_of(binary), Quality::kAtLeastOnce, Retain::kYes);
  REQUIRE(kept.has_value());
  CHECK(events.next(EventKind::kPublished, 0).token == *kept);
  CHECK(events.next(EventKind::kMessage, 1).payload == std::vector<std::uint8_t>{'a', 0, 'b', 0xff});

  // A retained message again, by name, while the wildcard subscription stands.
  REQUIRE(receiver->subscribe("skink/1/demo/model/x", Quality::kAtLeastOnce).has_value());
  const Event again = events.next(EventKind::kMessage, 1);
  CHECK(again.topic == "skink/1/demo/model/x");
  CHECK(again.retained);

  REQUIRE(receiver->unsubscribe("skink/1/demo/model/+").has_value());
  REQUIRE(receiver->unsubscribe("skink/1/demo/model/x").has_value());
  REQUIRE(sender->publish("skink/1/demo/dev/device-000/task", {}, Quality::kAtLeastOnce, Retain::kNo).has_value());
  const Event empty = events.next(EventKind::kMessage, 1);
  CHECK(empty.topic == "skink/1/demo/dev/device-000/task");
  CHECK(empty.payload.empty());
  CHECK_FALSE(empty.retained);
}

TEST_CASE("mqtt session: the last will is sent for a session that vanishes, not for one that disconnects",
          "[common][mqtt][broker]") {
  const auto broker = Broker::start({.devices = 2});
  if (!broker) return;
  EventQueue queue;
  Listener events(queue);
  const auto watcher = start(queue, coordinator(*broker));
  events.next(EventKind::kConnected, 0);
  REQUIRE(watcher->subscribe("skink/1/demo/dev/+/state", Quality::kAtLeastOnce).has_value());

  SessionOptions options = device(*broker, "device-000");
  options.index = 1;
  options.will = {"skink/1/demo/dev/device-000/state", {'g', 'o', 'n', 'e'}, Retain::kYes};
  auto first = start(queue, options);
  events.next(EventKind::kConnected, 1);
  options.index = 2;
  const auto second = start(queue, options);  // the broker throws the first one out
  CHECK(events.next(EventKind::kMessage, 0).payload == std::vector<std::uint8_t>{'g', 'o', 'n', 'e'});
  const Event lost = events.next(EventKind::kDisconnected, 1);
  CHECK(lost.reason == DisconnectReason::kLost);
  CHECK(lost.text.find("device-000") != std::string::npos);
  first.reset();

  events.next(EventKind::kConnected, 2);
  SessionOptions polite = device(*broker, "device-001");
  polite.index = 3;
  polite.will = {"skink/1/demo/dev/device-001/state", {'g', 'o', 'n', 'e'}, Retain::kYes};
  const auto third = start(queue, polite);
  events.next(EventKind::kConnected, 3);
  third->disconnect();
  CHECK(events.next(EventKind::kDisconnected, 3).reason == DisconnectReason::kRequested);
  events.drain(300ms);
  for (const Event& event : events.seen()) CHECK(event.topic != "skink/1/demo/dev/device-001/state");
}

TEST_CASE("mqtt session: it connects when the broker comes up late, and again after the broker was killed",
          "[common][mqtt][broker]") {
  const auto broker = Broker::start({});
  if (!broker) return;
  broker->kill();
  EventQueue queue;
  Listener events(queue);
  const auto session = start(queue, coordinator(*broker));
  const Event refused = events.next(EventKind::kDisconnected);
  CHECK(refused.reason == DisconnectReason::kUnreachable);
  CHECK(refused.text.find("Connection refused") != std::string::npos);
  CHECK(refused.text.find(broker->address()) != std::string::npos);
  CHECK_FALSE(session->publish("skink/1/demo/model/x", {}, Quality::kAtLeastOnce, Retain::kNo).has_value());
  CHECK_FALSE(session->subscribe("skink/1/demo/model/x", Quality::kAtLeastOnce).has_value());

  for (int round = 0; round < 3; ++round) {
    broker->restart();
    events.next(EventKind::kConnected);
    REQUIRE(session->subscribe("skink/1/demo/model/#", Quality::kAtLeastOnce).has_value());
    REQUIRE(
        session->publish("skink/1/demo/model/x", bytes_of("hello"), Quality::kAtLeastOnce, Retain::kNo).has_value());
    CHECK(events.next(EventKind::kMessage).payload.size() == 5);
    broker->kill();
    CHECK(events.next(EventKind::kDisconnected).reason == DisconnectReason::kLost);
    const Result<Token> late = session->publish("skink/1/demo/model/x", {}, Quality::kAtLeastOnce, Retain::kNo);
    REQUIRE_FALSE(late.has_value());
    CHECK(late.error().code == Status::kUnavailable);
  }
}

TEST_CASE("mqtt session: a message of 100 MB is refused in both directions", "[common][mqtt][broker]") {
  const auto broker = Broker::start({.limit_packets = false});
  if (!broker) return;
  EventQueue queue;
  Listener events(queue);
  auto session = start(queue, coordinator(*broker));
  events.next(EventKind::kConnected);
  constexpr std::size_t kSize = 100'000'000;
  {
    const std::vector<std::uint8_t> huge(kSize, 1);
    const Result<Token> sent =
        session->publish("skink/1/demo/model/x", {huge.data(), huge.size()}, Quality::kAtLeastOnce, Retain::kNo);
    REQUIRE_FALSE(sent.has_value());
    CHECK(sent.error().code == Status::kBufferTooSmall);
    std::ofstream(broker->folder() + "/huge", std::ios::binary)
        .write(reinterpret_cast<const char*>(huge.data()), kSize);
  }
  if (!skink::test::is_installed("mosquitto_pub")) return;
  session.reset();  // one client a certificate: mosquitto_pub takes its place
  SessionOptions of_device = device(*broker, "device-000");
  of_device.index = 1;
  const auto receiver = start(queue, of_device);
  events.next(EventKind::kConnected, 1);
  REQUIRE(receiver->subscribe("skink/1/demo/model/#", Quality::kAtLeastOnce).has_value());
  const std::string folder = broker->pki() + "/coordinator";
  skink::test::Process sender({"mosquitto_pub", "-h", "127.0.0.1", "-p", std::to_string(broker->port()), "--cafile",
                               broker->pki() + "/ca.pem", "--cert", folder + "/cert.pem", "--key", folder + "/key.pem",
                               "-q", "1", "-t", "skink/1/demo/model/x", "-f", broker->folder() + "/huge"},
                              broker->folder() + "/huge.log");
  const Event problem = events.next(EventKind::kProblem, 1, 60s);
  CHECK(problem.text.find("100000000 bytes on skink/1/demo/model/x") != std::string::npos);

  SessionOptions again = coordinator(*broker);
  again.index = 2;
  session = start(queue, again);
  events.next(EventKind::kConnected, 2);
  REQUIRE(
      session->publish("skink/1/demo/model/y", bytes_of("still here"), Quality::kAtLeastOnce, Retain::kNo).has_value());
  CHECK(events.next(EventKind::kMessage, 1).topic == "skink/1/demo/model/y");
}

TEST_CASE("mqtt session: publications beyond the limit are refused, those before it arrive", "[common][mqtt][broker]") {
  const auto broker = Broker::start({});
  if (!broker) return;
  EventQueue queue;
  Listener events(queue);
  SessionOptions options = coordinator(*broker);
  options.max_pending_publications = 500;
  const auto session = start(queue, options);
  events.next(EventKind::kConnected);
  std::set<Token> sent;
  bool refused = false;
  for (int i = 0; i < 100'000 && !refused; ++i) {
    const Result<Token> token =
        session->publish("skink/1/demo/model/x", bytes_of("x"), Quality::kAtLeastOnce, Retain::kNo);
    refused = !token;
    if (token) CHECK(sent.insert(*token).second);
  }
  CHECK(refused);
  CHECK(sent.size() >= 500);
  while (!sent.empty()) CHECK(sent.erase(events.next(EventKind::kPublished).token) == 1);
  CHECK(session->publish("skink/1/demo/model/x", {}, Quality::kAtLeastOnce, Retain::kNo).has_value());
}

TEST_CASE("mqtt session: sixteen sessions share one queue", "[common][mqtt][broker]") {
  constexpr int kSessions = 16;
  const auto broker = Broker::start({.devices = kSessions});
  if (!broker) return;
  EventQueue queue({.max_connecting = 4});
  Listener events(queue);
  std::vector<std::unique_ptr<Session>> sessions;
  const auto id_of = [](int i) { return std::string(i < 10 ? "device-00" : "device-0") + std::to_string(i); };
  for (int i = 0; i < kSessions; ++i) {
    SessionOptions options = device(*broker, id_of(i));
    options.index = static_cast<std::size_t>(i);
    sessions.push_back(start(queue, options));
  }
  SessionOptions options = coordinator(*broker);
  options.index = kSessions;
  const auto sender = start(queue, options);
  for (std::size_t i = 0; i <= kSessions; ++i) events.next(EventKind::kConnected, i);
  for (int i = 0; i < kSessions; ++i) {
    const std::string topic = "skink/1/demo/dev/" + id_of(i) + "/task";
    REQUIRE(sessions[static_cast<std::size_t>(i)]->subscribe(topic, Quality::kAtLeastOnce).has_value());
    REQUIRE(sender->publish(topic, bytes_of(id_of(i)), Quality::kAtLeastOnce, Retain::kYes).has_value());
  }
  for (int i = 0; i < kSessions; ++i) {
    const Event event = events.next(EventKind::kMessage, static_cast<std::size_t>(i));
    CHECK(std::string(event.payload.begin(), event.payload.end()) == id_of(i));
  }
  broker->restart();
  for (std::size_t i = 0; i <= kSessions; ++i) events.next(EventKind::kConnected, i);
  for (const auto& session : sessions) session->disconnect();
  for (std::size_t i = 0; i < kSessions; ++i) {
    events.next([&](const Event& event) {
      return event.session == i && event.kind == EventKind::kDisconnected &&
             event.reason == DisconnectReason::kRequested;
    });
  }
}

TEST_CASE("mqtt session: it can be ended in any state", "[common][mqtt][broker]") {
  const auto broker = Broker::start({});
  if (!broker) return;
  for (int step_ms = 0; step_ms < 40; step_ms += 2) {
    EventQueue queue;
    Listener events(queue);
    auto session = start(queue, coordinator(*broker));
    events.drain(std::chrono::milliseconds(step_ms));
    if (step_ms % 4 == 0) {
      session->disconnect();
      events.next([](const Event& event) { return event.reason == DisconnectReason::kRequested; });
    }
    session.reset();
  }
  EventQueue queue;
  SessionOptions options = coordinator(*broker);
  options.port = 9;  // nobody there: it is ended while the failure is looked into, or before the next attempt
  for (int step_ms = 0; step_ms < 10; ++step_ms) {
    const auto session = start(queue, options);
    std::vector<Event> ignored;
    queue.wait(ignored, std::chrono::milliseconds(step_ms));
  }
}
