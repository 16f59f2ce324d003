#include <random>

#include "connection_bench.hpp"

namespace skink::edge::mqtt {
namespace {

TEST_CASE("mqtt: CONNECT is what the standard draws, will included", "[edge][mqtt]") {
  Connection connection;
  const std::string id = "pump-1";
  const std::string topic = "s";
  const Packet payload{0xaa};
  Will will{text(topic), bytes(payload), Retain::kYes};
  ConnectOptions options{text(id), 30, &will};
  REQUIRE(connection.open(options, 0) == Status::kOk);
  CHECK(take_output(connection, 3) == Packet{0x10, 24,  0,   4,   'M', 'Q', 'T', 'T', 4, 0x2e, 0, 30, 0,
                                             6,    'p', 'u', 'm', 'p', '-', '1', 0,   1, 's',  0, 1,  0xaa});
  CHECK_FALSE(connection.is_connected());
  const std::string long_id(SKINK_MQTT_TOPIC_BYTES + 10, 'x');
  options.client_id = text(long_id);
  CHECK(connection.open(options, 0) == Status::kBufferTooSmall);
}

TEST_CASE("mqtt: SUBSCRIBE, UNSUBSCRIBE and DISCONNECT byte by byte", "[edge][mqtt]") {
  Connection connection = connected();
  const std::string topic = "a/b";
  std::uint16_t id = 0;
  REQUIRE(connection.subscribe(text(topic), id) == Status::kOk);
  CHECK(id == 1);
  CHECK(connection.unsubscribe(text(topic), id) == Status::kUnavailable);  // the first has not left
  CHECK(take_output(connection) == Packet{0x82, 8, 0, 1, 0, 3, 'a', '/', 'b', 1});
  REQUIRE(connection.unsubscribe(text(topic), id) == Status::kOk);
  CHECK(take_output(connection) == Packet{0xa2, 7, 0, 2, 0, 3, 'a', '/', 'b'});
  REQUIRE(connection.disconnect() == Status::kOk);
  CHECK(take_output(connection) == Packet{0xe0, 0});
  const std::string too_long(SKINK_MQTT_TOPIC_BYTES + 1, 't');
  CHECK(connection.subscribe(text(too_long), id) == Status::kInvalidArgument);
  CHECK(connection.subscribe({}, id) == Status::kInvalidArgument);
}

TEST_CASE("mqtt: a publication streams from the caller's memory, one at a time", "[edge][mqtt]") {
  Connection connection = connected();
  const std::string topic = "up";
  Packet payload(70'000);
  for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<std::uint8_t>(i * 7);
  std::uint16_t id = 0;
  const std::size_t step = GENERATE(1U, 3U, 1000U, 100'000U);
  REQUIRE(connection.publish(text(topic), bytes(payload), Retain::kYes, id, 0) == Status::kOk);
  CHECK(connection.publish(text(topic), bytes(payload), Retain::kYes, id, 0) == Status::kUnavailable);
  CHECK(take_output(connection, step) == message(0x03, topic, 1, payload));
  CHECK(connection.publish(text(topic), bytes(payload), Retain::kYes, id, 0) ==
        Status::kUnavailable);  // not acknowledged
  Event event;
  const Packet ack{0x40, 2, 0, 1};
  Bytes input = bytes(ack);
  REQUIRE(connection.receive(input, event, 0) == Status::kOk);
  CHECK(event.kind == EventKind::kPublished);
  CHECK(event.packet_id == 1);
  CHECK(connection.publish(text(topic), bytes(payload), Retain::kYes, id, 0) == Status::kOk);
  CHECK(id == 2);
}

TEST_CASE("mqtt: an acknowledgement of what was not sent changes nothing", "[edge][mqtt]") {
  Connection connection = connected();
  const std::string topic = "up";
  std::uint16_t id = 0;
  const Packet payload(10, 1);
  REQUIRE(connection.publish(text(topic), bytes(payload), Retain::kNo, id, 0) == Status::kOk);
  connection.sent(5, 0);
  CHECK(feed(connection, {0x40, 2, 0, 1}) == Status::kOk);  // before all of it has left
  (void)take_output(connection);
  CHECK(feed(connection, {0x40, 2, 0, 9}) == Status::kOk);
  std::uint16_t next = 0;
  CHECK(connection.publish(text(topic), bytes(payload), Retain::kNo, next, 0) == Status::kUnavailable);
}

TEST_CASE("mqtt: messages come in pieces and are acknowledged at their end", "[edge][mqtt]") {
  Connection connection = connected();
  const Packet payload{1, 2, 3, 4, 5, 6};
  const Packet packet = message(0x03, "m/1", 0x1234, payload);
  Bytes input = bytes(packet).first(packet.size() - 2);
  Event event;
  REQUIRE(connection.receive(input, event, 0) == Status::kOk);
  CHECK(event.kind == EventKind::kMessage);
  CHECK(std::string(event.topic.data(), event.topic.size()) == "m/1");
  CHECK(event.total_bytes == 6);
  CHECK(event.offset == 0);
  CHECK(event.piece.size() == 4);
  CHECK(event.retained);
  CHECK_FALSE(event.is_last);
  CHECK(connection.output().empty());
  input = bytes(packet).subspan(packet.size() - 2);
  REQUIRE(connection.receive(input, event, 0) == Status::kOk);
  CHECK(event.offset == 4);
  CHECK(event.piece[1] == 6);
  CHECK(event.is_last);
  CHECK(take_output(connection) == Packet{0x40, 2, 0x12, 0x34});
}

TEST_CASE("mqtt: an empty message is one event; QoS 0 is not acknowledged", "[edge][mqtt]") {
  Connection connection = connected();
  const Packet packet = message(0x00, "t", 0, {});
  Bytes input = bytes(packet);
  Event event;
  REQUIRE(connection.receive(input, event, 0) == Status::kOk);
  CHECK(event.kind == EventKind::kMessage);
  CHECK(event.is_last);
  CHECK(event.piece.empty());
  CHECK(connection.output().empty());
}

TEST_CASE("mqtt: a topic that is too long is passed over, counted and acknowledged", "[edge][mqtt]") {
  Connection connection = connected();
  const std::string topic(SKINK_MQTT_TOPIC_BYTES + 1, 'x');
  const std::size_t size = GENERATE(0U, 5000U);
  CHECK(feed(connection, message(0x02, topic, 7, Packet(size, 1))) == Status::kOk);
  CHECK(connection.skipped_messages() == 1);
  CHECK(take_output(connection) == Packet{0x40, 2, 0, 7});
  const std::string longest(SKINK_MQTT_TOPIC_BYTES, 'x');
  CHECK(feed(connection, message(0x02, longest, 8, {1})) == Status::kOk);
  CHECK(connection.skipped_messages() == 1);
}

TEST_CASE("mqtt: no acknowledgement enters a publication, and none is lost", "[edge][mqtt]") {
  Connection connection = connected();
  const std::string topic = "up";
  const Packet payload(100, 0x55);
  std::uint16_t id = 0;
  REQUIRE(connection.publish(text(topic), bytes(payload), Retain::kNo, id, 0) == Status::kOk);
  connection.sent(3, 0);
  std::size_t taken = 0;
  for (std::uint16_t i = 1; i <= 50; ++i) {  // the stream is stuck, messages keep coming
    const Packet packet = message(0x02, "t", i, {9});
    Bytes input = bytes(packet);
    Event event;
    if (connection.receive(input, event, 0) == Status::kBufferTooSmall) {
      CHECK(input.size() == packet.size());
      break;
    }
    ++taken;
  }
  CHECK(taken >= 4);
  CHECK(taken < 50);
  const Packet sent = take_output(connection);
  const Packet rest = message(0x02, topic, 1, payload);
  REQUIRE(sent.size() == rest.size() - 3 + 4 * taken);
  CHECK(Packet(sent.begin(), sent.begin() + static_cast<std::ptrdiff_t>(rest.size()) - 3) ==
        Packet(rest.begin() + 3, rest.end()));
  CHECK(sent[sent.size() - 1] == taken);
}

TEST_CASE("mqtt: what no broker may send ends the connection", "[edge][mqtt]") {
  const auto [name, packet] = GENERATE(table<std::string, Packet>({
      {"second CONNACK", {0x20, 2, 0, 0}},
      {"a client's packet", {0xc0, 0}},
      {"reserved type", {0xf0, 0}},
      {"flags of PUBACK", {0x41, 2, 0, 1}},
      {"length of PUBACK", {0x40, 3, 0, 1, 0}},
      {"length of PINGRESP", {0xd0, 1, 0}},
      {"SUBACK code", {0x90, 3, 0, 1, 3}},
      {"length of SUBACK", {0x90, 4, 0, 1, 0, 0}},
      {"QoS 2", message(0x04, "t", 1, {1})},
      {"QoS 3", message(0x06, "t", 1, {1})},
      {"empty topic", message(0x00, "", 0, {1})},
      {"packet id 0", message(0x02, "t", 0, {1})},
      {"topic beyond the packet", {0x30, 4, 0, 9, 't', 't'}},
      {"no room for the packet id", {0x32, 4, 0, 1, 't', 0}},
      {"too short for a topic", {0x30, 2, 0, 1}},
      {"length of five bytes", {0x30, 0x80, 0x80, 0x80, 0x80, 1}},
  }));
  CAPTURE(name);
  Connection connection = connected();
  CHECK(feed(connection, packet) == Status::kDamaged);
  CHECK(connection.problem() == Problem::kProtocol);
  CHECK(connection.output().empty());
  Event event;
  Bytes more = bytes(kAccepted);
  CHECK(connection.receive(more, event, 0) == Status::kDamaged);
}

TEST_CASE("mqtt: a refused connection says why", "[edge][mqtt]") {
  Connection connection;
  const std::string id = "pump-1";
  REQUIRE(connection.open({text(id), 0, nullptr}, 0) == Status::kOk);
  (void)take_output(connection);
  SECTION("not authorized") {
    CHECK(feed(connection, {0x20, 2, 0, 5}) == Status::kDamaged);
    CHECK(connection.problem() == Problem::kRefused);
    CHECK(connection.return_code() == 5);
  }
  SECTION("a code that is none") {
    CHECK(feed(connection, {0x20, 2, 0, 6}) == Status::kDamaged);
    CHECK(connection.problem() == Problem::kProtocol);
  }
  SECTION("a session that nobody has") { CHECK(feed(connection, {0x20, 2, 1, 0}) == Status::kDamaged); }
  SECTION("anything else first") { CHECK(feed(connection, {0xd0, 0}) == Status::kDamaged); }
}

struct Seen {
  EventKind kind;
  std::uint16_t packet_id;
  bool is_granted;
  std::string topic;
  Packet payload;
  bool operator==(const Seen&) const = default;
};

/// All events of a stream that comes in the given parts; the pieces of a message joined.
std::vector<Seen> run(const Packet& stream, const std::vector<std::size_t>& cuts) {
  Connection connection = connected();
  std::vector<Seen> seen;
  std::size_t begin = 0;
  std::uint32_t expected_offset = 0;
  for (std::size_t cut = 0; cut <= cuts.size(); ++cut) {
    const std::size_t end = cut < cuts.size() ? cuts[cut] : stream.size();
    Bytes input = bytes(stream).subspan(begin, end - begin);
    begin = end;
    while (!input.empty()) {
      Event event;
      REQUIRE(connection.receive(input, event, 0) == Status::kOk);
      (void)take_output(connection);
      if (event.kind == EventKind::kNone) continue;
      if (event.kind != EventKind::kMessage || event.offset == 0) {
        seen.push_back({event.kind, event.packet_id, event.is_granted, {event.topic.data(), event.topic.size()}, {}});
        expected_offset = 0;
      }
      if (event.kind != EventKind::kMessage) continue;
      REQUIRE(event.offset == expected_offset);
      seen.back().payload.insert(seen.back().payload.end(), event.piece.begin(), event.piece.end());
      expected_offset += static_cast<std::uint32_t>(event.piece.size());
      REQUIRE(event.is_last == (expected_offset == event.total_bytes));
    }
  }
  return seen;
}

TEST_CASE("mqtt: however a stream is cut, the events are the same", "[edge][mqtt]") {
  Packet large(3000);
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<std::uint8_t>(i);
  const Packet stream = Packet{0x90, 3, 0, 1, 1} + message(0x03, "model/abc/0", 5, large) + Packet{0xd0, 0} +
                        message(0x00, "x", 0, {}) + Packet{0x90, 3, 0, 2, 0x80} + Packet{0xb0, 2, 0, 3} +
                        message(0x0a, "dup", 6, {1, 2, 3});
  const std::vector<Seen> whole = run(stream, {});
  REQUIRE(whole.size() == 6);
  CHECK(whole[1].payload == large);
  CHECK_FALSE(whole[3].is_granted);
  std::vector<std::size_t> everywhere;
  for (std::size_t i = 1; i < stream.size(); ++i) everywhere.push_back(i);
  CHECK(run(stream, everywhere) == whole);
  std::mt19937 random(7);
  for (int i = 0; i < 300; ++i) {
    std::vector<std::size_t> cuts(random() % 12);
    for (std::size_t& cut : cuts) cut = random() % stream.size();
    std::sort(cuts.begin(), cuts.end());
    REQUIRE(run(stream, cuts) == whole);
  }
}

}  // namespace
}  // namespace skink::edge::mqtt
