/// @file
/// Who a session and a broker refuse, and that the reason names what to change.

#include <catch2/catch.hpp>
#include <fstream>

#include "mqtt_listener.hpp"

using namespace std::chrono_literals;
using namespace skink::test;
using skink::Result;
using skink::Status;
using skink::mqtt::DisconnectReason;
using skink::mqtt::Event;
using skink::mqtt::EventKind;
using skink::mqtt::EventQueue;
using skink::mqtt::Session;
using skink::mqtt::SessionOptions;

TEST_CASE("mqtt session: a broker of another CA is refused, and the reason names the CA file",
          "[common][mqtt][broker]") {
  const auto broker = Broker::start({});
  if (!broker) return;
  EventQueue queue;
  Listener events(queue);
  SessionOptions options = device(*broker, "device-000");
  options.ca_file = broker->foreign_pki() + "/ca.pem";
  const auto session = start(queue, options);
  for (int attempt = 0; attempt < 2; ++attempt) {
    const Event event = events.next(EventKind::kDisconnected);
    CHECK(event.reason == DisconnectReason::kCertificate);
    CHECK(event.text.find("certificate verify failed") != std::string::npos);
    CHECK(event.text.find(options.ca_file) != std::string::npos);
  }
}

TEST_CASE("mqtt session: a broker with another name is refused", "[common][mqtt][broker]") {
  const auto broker = Broker::start({});
  if (!broker) return;
  EventQueue queue;
  Listener events(queue);
  SessionOptions options = device(*broker, "device-000");
  options.host = "127.0.0.2";  // the loopback network has it, the certificate does not
  const auto session = start(queue, options);
  const Event event = events.next(EventKind::kDisconnected);
  INFO(event.text);
  CHECK(event.reason == DisconnectReason::kUnreachable);  // the broker listens on 127.0.0.1 only
  options.host = "localhost";
  options.index = 1;
  const auto named = start(queue, options);
  events.next(EventKind::kConnected, 1);
}

TEST_CASE("mqtt session: an expired certificate and one of another CA are refused by the broker",
          "[common][mqtt][broker]") {
  const auto broker = Broker::start({.expired = {"old"}});
  if (!broker) return;
  EventQueue queue;
  Listener events(queue);
  const auto expired = start(queue, device(*broker, "old"));
  const Event event = events.next(EventKind::kDisconnected);
  INFO(event.text);
  CHECK(event.reason == DisconnectReason::kCertificate);
  CHECK(event.text.find(broker->device("old") + "/cert.pem") != std::string::npos);
  CHECK(event.text.find("has expired on") != std::string::npos);

  SessionOptions foreign = options_for(*broker, broker->foreign_pki() + "/devices/device-000", "device-000");
  foreign.index = 1;
  const auto stranger = start(queue, foreign);
  const Event refused = events.next(EventKind::kDisconnected, 1);
  INFO(refused.text);
  CHECK(refused.reason == DisconnectReason::kCertificate);
  CHECK(refused.text.find(foreign.certificate_file) != std::string::npos);
}

TEST_CASE("mqtt session: credentials that cannot be used are refused at once, by name", "[common][mqtt][broker]") {
  const auto broker = Broker::start({.devices = 2});
  if (!broker) return;
  EventQueue queue;
  const auto error_of = [&](const SessionOptions& options) {
    const Result<std::unique_ptr<Session>> session = Session::start(queue, options);
    REQUIRE_FALSE(session.has_value());
    return session.error();
  };
  SessionOptions options = device(*broker, "device-000");
  options.key_file = broker->folder() + "/nothing";
  CHECK(error_of(options).message.find(options.key_file + "': No such file") != std::string::npos);
  CHECK(error_of(options).code == Status::kUnavailable);

  options.key_file = broker->device("device-001") + "/key.pem";
  CHECK(error_of(options).message.find("does not belong to") != std::string::npos);
  CHECK(error_of(options).code == Status::kDamaged);

  options = device(*broker, "device-000");
  options.ca_file = broker->folder() + "/ca.txt";
  std::ofstream(options.ca_file) << "not a certificate\n";
  CHECK(error_of(options).message.find(options.ca_file) != std::string::npos);

  options = device(*broker, "device-000");
  options.client_id.clear();
  CHECK(error_of(options).code == Status::kInvalidArgument);
  options.client_id = "x";
  options.max_pending_publications = 0;
  CHECK(error_of(options).code == Status::kInvalidArgument);
}

TEST_CASE("mqtt session: a port that does not speak TLS is said so", "[common][mqtt][broker]") {
  const auto broker = Broker::start({});
  if (!broker) return;
  const int port = skink::test::free_port();
  skink::test::Process http({"/usr/bin/python3", "-m", "http.server", "--bind", "127.0.0.1", std::to_string(port)},
                            broker->folder() + "/http.log");
  REQUIRE(skink::test::wait_until(10s, [&] { return skink::test::accepts_connections(port); }));
  EventQueue queue;
  Listener events(queue);
  SessionOptions options = device(*broker, "device-000");
  options.port = static_cast<std::uint16_t>(port);
  const auto session = start(queue, options);
  const Event event = events.next(EventKind::kDisconnected);
  INFO(event.text);
  CHECK(event.reason == DisconnectReason::kRefused);
  CHECK(event.text.find("does not speak TLS") != std::string::npos);
}
