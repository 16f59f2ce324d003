/// @file
/// Pings, probes, and how long a broker may be silent.

#include "connection_bench.hpp"

namespace skink::edge::mqtt {
namespace {

TEST_CASE("mqtt: silence has an end, and idle connections are pinged", "[edge][mqtt]") {
  Connection connection;
  const std::string id = "pump-1";
  REQUIRE(connection.open({text(id), 10, nullptr}, 1000) == Status::kOk);
  (void)take_output(connection, 100, 1000);
  SECTION("no CONNACK") {
    CHECK(connection.next_wake_ms() == 1000 + SKINK_MQTT_ANSWER_MS);
    CHECK(connection.on_time(999 + SKINK_MQTT_ANSWER_MS) == Status::kOk);
    CHECK(connection.on_time(1000 + SKINK_MQTT_ANSWER_MS) == Status::kUnavailable);
    CHECK(connection.problem() == Problem::kConnackLate);
  }
  SECTION("pings") {
    Bytes input = bytes(kAccepted);
    Event event;
    REQUIRE(connection.receive(input, event, 2000) == Status::kOk);
    CHECK(connection.next_wake_ms() == 7000);
    CHECK(connection.on_time(6999) == Status::kOk);
    CHECK(connection.output().empty());
    CHECK(connection.on_time(7000) == Status::kOk);
    CHECK(take_output(connection, 1, 7001) == Packet{0xc0, 0});
    CHECK(connection.on_time(12'100) == Status::kOk);
    CHECK(take_output(connection, 1, 12'100) == Packet{0xc0, 0});  // the broker counts from the last packet
    SECTION("answered") {
      CHECK(feed(connection, {0xd0, 0, 0xd0, 0}) == Status::kOk);
      CHECK(connection.on_time(7000 + SKINK_MQTT_ANSWER_MS) == Status::kOk);
      CHECK(take_output(connection) == Packet{0xc0, 0});
    }
    SECTION("not answered") {
      CHECK(connection.on_time(7000 + SKINK_MQTT_ANSWER_MS) == Status::kUnavailable);
      CHECK(connection.problem() == Problem::kPingLate);
    }
    SECTION("not answered yet, but the link is not silent") {
      for (std::uint64_t now = 13'000; now < 500'000; now += 10'000) {
        if (now % 20'000 == 3000) {
          connection.on_activity(now);  // half a record
        } else {
          Packet half = message(1, "t", 0, {1, 2, 3});
          Bytes all = bytes(half);
          REQUIRE(connection.receive(all, event, now) == Status::kOk);
        }
        REQUIRE(connection.on_time(now + 9999) == Status::kOk);
        (void)take_output(connection, 100, now + 9999);
      }
      CHECK(connection.on_time(600'000) == Status::kUnavailable);
    }
  }
  SECTION("no PUBACK") {
    Bytes input = bytes(kAccepted);
    Event event;
    REQUIRE(connection.receive(input, event, 2000) == Status::kOk);
    const std::string topic = "up";
    std::uint16_t packet_id = 0;
    REQUIRE(connection.publish(text(topic), {}, Retain::kNo, packet_id, 3000) == Status::kOk);
    (void)take_output(connection, 100, 4000);
    CHECK(connection.on_time(4000 + SKINK_MQTT_ANSWER_MS) == Status::kUnavailable);
    CHECK(connection.problem() == Problem::kPubackLate);
  }
}

TEST_CASE("mqtt: a probe is answered behind the pings before it", "[edge][mqtt]") {
  Connection connection;
  const std::string id = "pump-1";
  REQUIRE(connection.open({text(id), 10, nullptr}, 1000) == Status::kOk);
  (void)take_output(connection, 100, 1000);
  Bytes input = bytes(kAccepted);
  Event event;
  REQUIRE(connection.receive(input, event, 2000) == Status::kOk);
  REQUIRE(connection.on_time(7000) == Status::kOk);  // a ping of its own
  REQUIRE(connection.probe(7000) == Status::kOk);
  CHECK(take_output(connection, 1, 7001) == Packet{0xc0, 0, 0xc0, 0});
  const Packet answer{0xd0, 0};
  input = bytes(answer);
  REQUIRE(connection.receive(input, event, 8000) == Status::kOk);
  CHECK(event.kind == EventKind::kNone);  // that ping's
  SECTION("the answer") {
    input = bytes(answer);
    REQUIRE(connection.receive(input, event, 8000) == Status::kOk);
    CHECK(event.kind == EventKind::kProbed);
  }
  SECTION("of two the later one counts") {
    REQUIRE(connection.probe(8000) == Status::kOk);
    (void)take_output(connection, 100, 8000);
    input = bytes(answer);
    REQUIRE(connection.receive(input, event, 8000) == Status::kOk);
    CHECK(event.kind == EventKind::kNone);
    input = bytes(answer);
    REQUIRE(connection.receive(input, event, 8000) == Status::kOk);
    CHECK(event.kind == EventKind::kProbed);
    input = bytes(answer);  // of nothing
    REQUIRE(connection.receive(input, event, 8000) == Status::kOk);
    CHECK(event.kind == EventKind::kNone);
  }
}

}  // namespace
}  // namespace skink::edge::mqtt
