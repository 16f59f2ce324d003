#include "datagram_bench.hpp"

using namespace skink;
using namespace skink::edge;

namespace {

const std::string kUpdate = "skink/1/plant/dev/pump-1/update";

/// Sends `count` messages up, one after the other, while the bridge has as many for the node.
void exchange(DatagramBench& bench, std::size_t count) {
  const std::size_t lengths[] = {0, 1, 120, 1170, 1171, 4104, 4290, 9000};
  std::size_t next = 0;
  bool is_free = true;
  for (std::size_t i = 0; i < count; ++i) {
    bench.peer.deliver({datagram::Operation::kPublish, wire::TopicKind::kModel, 0, static_cast<std::uint32_t>(i), true},
                       payload_of(lengths[(i + 3) % 8], static_cast<std::uint8_t>(i)), bench.now);
  }
  Payload payload;
  const bool is_done = bench.run_until(
      [&] {
        for (const mqtt::Event& event : bench.events) is_free |= event.kind == mqtt::EventKind::kPublished;
        bench.events.clear();
        if (is_free && next < count) {
          std::uint16_t id = 0;
          payload = payload_of(lengths[next % 8], static_cast<std::uint8_t>(next));
          REQUIRE(bench.node.publish(text(kUpdate), bytes(payload), mqtt::Retain::kNo, id, bench.now) == Status::kOk);
          ++next;
          is_free = false;
        }
        return next == count && is_free && bench.heard.size() == count && bench.peer.waiting() == 0;
      },
      3'600'000);
  INFO("said " << bench.said.size() << ", heard " << bench.heard.size());
  REQUIRE(is_done);
  REQUIRE(bench.node_status == Status::kOk);
  REQUIRE(bench.said.size() == count + 1);
  for (std::size_t i = 0; i < count; ++i) {
    CHECK(bench.said[i + 1].kind == DatagramEventKind::kMessage);
    CHECK(bench.said[i + 1].payload == payload_of(lengths[i % 8], static_cast<std::uint8_t>(i)));
    CHECK(bench.heard[i].topic == "skink/1/plant/model/0/" + std::to_string(i));
    CHECK(bench.heard[i].payload == payload_of(lengths[(i + 3) % 8], static_cast<std::uint8_t>(i)));
  }
}

}  // namespace

TEST_CASE("datagrams: over a good link each message takes what it must", "[edge][datagram]") {
  DatagramBench bench;
  REQUIRE(bench.connect());
  const std::uint64_t before = bench.datagrams;
  exchange(bench, 8);
  CHECK(bench.longest <= 1184);
  // Pieces of one, and an acknowledgement for each: two for a message that is taken later than its last piece comes.
  CHECK(bench.datagrams - before <= 90);
}

TEST_CASE("datagrams: every message comes once, in order, whatever is lost", "[edge][datagram]") {
  const double losses[] = {0.1, 0.2, 0.3};
  for (const double loss : losses) {
    for (std::uint32_t seed = 1; seed <= 5; ++seed) {
      CAPTURE(loss, seed);
      DatagramBench bench({loss, 0.1, 50}, seed);
      REQUIRE(bench.connect());
      exchange(bench, 24);
    }
  }
}

TEST_CASE("datagrams: pieces that overtake each other are put in order", "[edge][datagram]") {
  DatagramBench bench({0, 0.5, 400}, 9);
  REQUIRE(bench.connect());
  exchange(bench, 24);
}

TEST_CASE("datagrams: the pause before a repetition follows the link", "[edge][datagram]") {
  const auto took = [](std::uint32_t longest_ms) {
    DatagramBench bench({0, 0, longest_ms}, 3);
    REQUIRE(bench.connect());
    const std::uint64_t before = bench.datagrams;
    exchange(bench, 24);
    return bench.datagrams - before;
  };
  const std::uint64_t fast = took(5);
  CHECK(took(300) < 2 * fast);  // a slow link is not taken for one that loses
}

TEST_CASE("datagrams: a piece that is lost among others is not waited for", "[edge][datagram]") {
  std::uint64_t took_ms = 0;
  std::uint64_t sent = 0;
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    DatagramBench bench({0.1, 0, 20}, seed);
    REQUIRE(bench.connect());
    const std::uint64_t before = bench.now;
    exchange(bench, 24);
    took_ms += bench.now - before;
    sent += bench.datagrams;
  }
  CHECK(took_ms < 280'000);  // 218 s; 467 s where each loss costs a pause
  CHECK(sent < 12'000);      // 11,586; 10,693 then
}

TEST_CASE("datagrams: numbers of messages go round", "[edge][datagram][slow]") {
  DatagramBench bench;
  REQUIRE(bench.connect());
  std::uint16_t id = 0;
  std::size_t published = 0;
  REQUIRE(bench.run_until(
      [&] {
        const Status status = bench.node.publish(text(kUpdate), {}, mqtt::Retain::kNo, id, bench.now);
        if (status == Status::kOk) ++published;
        bench.said.clear();
        bench.events.clear();
        return published == 66'000;
      },
      10'000'000));
  CHECK(bench.node_status == Status::kOk);
}
