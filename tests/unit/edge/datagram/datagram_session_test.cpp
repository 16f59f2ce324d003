#include "datagram_bench.hpp"

using namespace skink;
using namespace skink::edge;
using datagram::Operation;
using datagram::Problem;
using mqtt::EventKind;

namespace {

const std::string kTask = "skink/1/plant/dev/pump-1/task";
const std::string kState = "skink/1/plant/dev/pump-1/state";
const std::string kModel = "skink/1/plant/model/1/";

datagram::Address task() { return {Operation::kPublish, wire::TopicKind::kTask, 0, 0, false}; }

std::size_t count_of(const DatagramBench& bench, EventKind kind) {
  return static_cast<std::size_t>(std::count_if(bench.events.begin(), bench.events.end(),
                                                [&](const mqtt::Event& event) { return event.kind == kind; }));
}

}  // namespace

TEST_CASE("session: subscriptions and publications reach the bridge with their topics", "[edge][datagram]") {
  DatagramBench bench;
  REQUIRE(bench.connect());
  CHECK(count_of(bench, EventKind::kConnected) == 1);
  std::uint16_t id = 0;
  const std::string all = kModel + "+";
  const std::string one = kModel + "17";
  const Payload birth = payload_of(90, 1);
  const auto next = [&](Status status) {
    REQUIRE(status == Status::kOk);
    const std::size_t before = bench.events.size();
    REQUIRE(bench.run_until([&] { return bench.events.size() > before; }));
    CHECK(bench.events.back().packet_id == id);
  };
  next(bench.node.subscribe(text(kTask), id, bench.now));
  CHECK(bench.events.back().kind == EventKind::kSubscribed);
  CHECK(bench.events.back().is_granted);
  CHECK(bench.said.back().address == datagram::Address{Operation::kSubscribe, wire::TopicKind::kTask, 0, 0, false});
  next(bench.node.subscribe(text(all), id, bench.now));
  CHECK(bench.said.back().address ==
        datagram::Address{Operation::kSubscribe, wire::TopicKind::kModel, 1, wire::kAllChunks, false});
  next(bench.node.unsubscribe(text(one), id, bench.now));
  CHECK(bench.events.back().kind == EventKind::kUnsubscribed);
  CHECK(bench.said.back().address == datagram::Address{Operation::kUnsubscribe, wire::TopicKind::kModel, 1, 17, false});
  next(bench.node.publish(text(kState), bytes(birth), mqtt::Retain::kYes, id, bench.now));
  CHECK(bench.said.back().address == datagram::Address{Operation::kPublish, wire::TopicKind::kState, 0, 0, true});
  CHECK(bench.said.back().payload == birth);
}

TEST_CASE("session: what cannot be sent is refused", "[edge][datagram]") {
  DatagramBench bench;
  std::uint16_t id = 0;
  CHECK(bench.node.subscribe(text(kTask), id, bench.now) == Status::kUnavailable);
  CHECK(bench.node.probe(bench.now) == Status::kUnavailable);
  CHECK(bench.node.disconnect() == Status::kUnavailable);
  CHECK(bench.node.sleep(5, bench.now) == Status::kUnavailable);
  REQUIRE(bench.connect());
  const Payload longest(datagram::kMaxMessageBytes + 1);
  CHECK(bench.node.publish(text(kState), bytes(longest), mqtt::Retain::kNo, id, bench.now) == Status::kInvalidArgument);
  CHECK(bench.node.subscribe({"a/b", 3}, id, bench.now) == Status::kInvalidArgument);
  const std::string odd = kState + "/+";
  CHECK(bench.node.subscribe(text(odd), id, bench.now) == Status::kInvalidArgument);
  CHECK(bench.node.sleep(0, bench.now) == Status::kInvalidArgument);
  CHECK(bench.node.sleep(datagram::kMaxSleepS + 1, bench.now) == Status::kInvalidArgument);
  REQUIRE(bench.node.subscribe(text(kTask), id, bench.now) == Status::kOk);
  CHECK(bench.node.subscribe(text(kTask), id, bench.now) == Status::kUnavailable);
  CHECK(bench.node.sleep(5, bench.now) == Status::kUnavailable);
  datagram::OpenOptions none;
  none.session = 0;
  CHECK(bench.node.open(none, bench.now) == Status::kInvalidArgument);
}

TEST_CASE("session: a message counts as sent when the broker has taken it", "[edge][datagram]") {
  DatagramBench bench;
  bench.holds = true;
  REQUIRE(bench.connect());
  std::uint16_t id = 0;
  const Payload update = payload_of(3000, 1);
  REQUIRE(bench.node.publish(text(kState), bytes(update), mqtt::Retain::kNo, id, bench.now) == Status::kOk);
  bench.run_for(120'000);
  CHECK(bench.said.size() == 2);
  CHECK(count_of(bench, EventKind::kPublished) == 0);
  CHECK(bench.node_status == Status::kOk);  // it waits as long as the bridge says that it has it
  bench.peer.complete();
  CHECK(bench.run_until([&] { return count_of(bench, EventKind::kPublished) == 1; }, 1000));
}

TEST_CASE("session: without a broker there is no welcome, and after a while the node gives up", "[edge][datagram]") {
  DatagramBench bench;
  bench.has_broker = false;
  bench.open();
  CHECK(bench.run_until([&] { return bench.node_status == Status::kUnavailable; }));
  CHECK(bench.node.problem() == Problem::kSilent);
  CHECK(bench.said.size() == 1);
}

TEST_CASE("session: a broker that is lost ends it", "[edge][datagram]") {
  DatagramBench bench;
  REQUIRE(bench.connect());
  bench.peer.end(datagram::Reason::kBrokerLost);
  CHECK(bench.run_until([&] { return bench.node_status == Status::kDamaged; }, 1000));
  CHECK(bench.node.problem() == Problem::kBrokerLost);
  CHECK_FALSE(bench.node.is_connected());
  CHECK_FALSE(bench.peer.has_session());
}

TEST_CASE("session: a bridge that was started again does not know it", "[edge][datagram]") {
  DatagramBench bench;
  REQUIRE(bench.connect());
  bench.peer.~DatagramPeer();
  new (&bench.peer) DatagramPeer();
  std::uint16_t id = 0;
  REQUIRE(bench.node.subscribe(text(kTask), id, bench.now) == Status::kOk);
  CHECK(bench.run_until([&] { return bench.node_status == Status::kDamaged; }, 1000));
  CHECK(bench.node.problem() == Problem::kUnknown);
}

TEST_CASE("session: a node that was started again begins anew, and nothing of before comes", "[edge][datagram]") {
  DatagramBench bench;
  REQUIRE(bench.connect());
  for (std::uint32_t k = 0; k < 5; ++k) {
    bench.peer.deliver({Operation::kPublish, wire::TopicKind::kModel, 0, k, true}, payload_of(4000, 1), bench.now);
  }
  bench.run_for(3);
  bench.node.reset();
  bench.heard.clear();
  bench.open(8);
  REQUIRE(bench.run_until([&] { return bench.node.is_connected(); }));
  CHECK(bench.said.size() == 2);
  CHECK(bench.peer.waiting() == 0);
  bench.peer.deliver(task(), payload_of(100, 3), bench.now);
  REQUIRE(bench.run_until([&] { return bench.heard.size() == 1; }, 2000));
  CHECK(bench.heard[0].payload == payload_of(100, 3));
  CHECK(bench.heard[0].topic == kTask);
}

TEST_CASE("session: polls keep it, and silence ends it on both sides", "[edge][datagram]") {
  DatagramBench bench;
  bench.open(7, 20);
  REQUIRE(bench.run_until([&] { return bench.node.is_connected(); }));
  const std::uint64_t before = bench.datagrams;
  bench.run_for(600'000);
  CHECK(bench.node.is_connected());
  CHECK_FALSE(bench.peer_is_silent);
  CHECK(bench.datagrams - before >= 118);  // a poll and its answer every 10 s
  CHECK(bench.datagrams - before <= 120);
  bench.is_cut = true;
  CHECK(bench.run_until([&] { return bench.node_status == Status::kUnavailable; }));
  CHECK(bench.node.problem() == Problem::kSilent);
  CHECK(bench.run_until([&] { return bench.peer_is_silent; }));
  CHECK_FALSE(bench.peer.has_session());
}

TEST_CASE("session: goodbye", "[edge][datagram]") {
  DatagramBench bench;
  REQUIRE(bench.connect());
  REQUIRE(bench.node.disconnect() == Status::kOk);
  REQUIRE(bench.run_until([&] { return bench.said.size() == 2; }, 1000));
  CHECK(bench.said.back().kind == DatagramEventKind::kLeft);
  CHECK_FALSE(bench.peer.has_session());
  CHECK(bench.node.next_wake_ms() == datagram::Connection::kNever);
}

TEST_CASE("session: a probe is answered when nothing waits any more", "[edge][datagram]") {
  DatagramBench bench({0.3, 0, 30}, 5);
  REQUIRE(bench.connect());
  for (std::uint32_t k = 0; k < 10; ++k) {
    bench.peer.deliver({Operation::kPublish, wire::TopicKind::kModel, 0, k, true}, payload_of(4000, 1), bench.now);
  }
  REQUIRE(bench.node.probe(bench.now) == Status::kOk);
  REQUIRE(bench.run_until([&] { return count_of(bench, EventKind::kProbed) == 1; }));
  CHECK(bench.heard.size() == 10);
}

TEST_CASE("session: a node that sleeps hears nothing, and everything when it wakes", "[edge][datagram]") {
  for (std::uint32_t seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    DatagramBench bench({0.3, 0.2, 200}, seed);
    REQUIRE(bench.connect());
    REQUIRE(bench.node.sleep(3600, bench.now) == Status::kOk);
    REQUIRE(bench.run_until([&] { return bench.node.is_asleep(); }));
    CHECK(bench.peer.is_asleep());
    bench.run_for(2000);  // what was on its way
    const std::uint64_t before = bench.datagrams;
    bench.peer.deliver(task(), payload_of(100, 1), bench.now);
    bench.peer.deliver(task(), payload_of(100, 2), bench.now);
    bench.peer.deliver(task(), payload_of(100, 3), bench.now);  // takes the place of the second
    bench.run_for(3'000'000);
    CHECK(bench.datagrams == before);
    CHECK(bench.heard.empty());
    CHECK(bench.node.is_asleep());
    REQUIRE(bench.run_until([&] { return bench.heard.size() == 2; }, 1'200'000));
    CHECK(bench.heard[0].payload == payload_of(100, 1));
    CHECK(bench.heard[1].payload == payload_of(100, 3));
    CHECK_FALSE(bench.peer_is_silent);
    CHECK(bench.node_status == Status::kOk);
  }
}

TEST_CASE("session: a node that has something to say wakes up", "[edge][datagram]") {
  DatagramBench bench({0.3, 0.2, 100}, 4);
  REQUIRE(bench.connect());
  REQUIRE(bench.node.sleep(3600, bench.now) == Status::kOk);
  REQUIRE(bench.run_until([&] { return bench.node.is_asleep(); }));
  std::uint16_t id = 0;
  const Payload update = payload_of(2000, 1);
  REQUIRE(bench.node.publish(text(kState), bytes(update), mqtt::Retain::kNo, id, bench.now) == Status::kOk);
  CHECK_FALSE(bench.node.is_asleep());
  REQUIRE(bench.run_until([&] { return count_of(bench, EventKind::kPublished) == 1; }));
  REQUIRE(bench.run_until([&] { return !bench.peer.is_asleep(); }));
  CHECK(bench.said.back().payload == update);
}

TEST_CASE("session: a node that does not wake is given up after the time that it named", "[edge][datagram]") {
  DatagramBench bench;
  bench.open(7, 20);
  REQUIRE(bench.run_until([&] { return bench.node.is_connected(); }));
  REQUIRE(bench.node.sleep(600, bench.now) == Status::kOk);
  REQUIRE(bench.run_until([&] { return bench.node.is_asleep(); }));
  bench.is_cut = true;
  bench.run_for(630'000);
  CHECK_FALSE(bench.peer_is_silent);
  bench.run_for(15'000);
  CHECK(bench.peer_is_silent);
}

TEST_CASE("session: what waits is bounded in number and bytes, and what is dropped is counted", "[edge][datagram]") {
  DatagramPeerLimits limits;
  limits.messages = 4;
  limits.bytes = 10'000;
  DatagramBench bench({}, 1, limits);
  REQUIRE(bench.connect());
  bench.is_cut = true;
  const auto chunk = [](std::uint32_t k) {
    return datagram::Address{Operation::kPublish, wire::TopicKind::kModel, 0, k, true};
  };
  for (std::uint32_t k = 0; k < 10; ++k) bench.peer.deliver(chunk(k), payload_of(100, 1), bench.now);
  CHECK(bench.peer.waiting() == 4);  // and one is on its way
  CHECK(bench.peer.dropped() == 5);
  bench.peer.deliver(chunk(1), payload_of(9701, 1), bench.now);  // in the place of a smaller one, but too large
  CHECK(bench.peer.waiting() == 3);
  CHECK(bench.peer.dropped() == 6);
  bench.peer.deliver(chunk(1), payload_of(9700, 1), bench.now);
  CHECK(bench.peer.waiting() == 4);
  bench.peer.deliver(chunk(2), Payload(datagram::kMaxMessageBytes + 1), bench.now);
  CHECK(bench.peer.waiting() == 4);
}

TEST_CASE("session: parts of a chain do not take each other's place", "[edge][datagram]") {
  DatagramBench bench;
  REQUIRE(bench.connect());
  const datagram::Address patch{Operation::kPublish, wire::TopicKind::kPatch, 0, 0, false};
  for (std::uint8_t part = 0; part < 3; ++part) bench.peer.deliver(patch, payload_of(500, part), bench.now);
  REQUIRE(bench.run_until([&] { return bench.heard.size() == 3; }, 2000));
  for (std::uint8_t part = 0; part < 3; ++part) CHECK(bench.heard[part].payload == payload_of(500, part));
}

TEST_CASE("session: datagrams of others and old ones change nothing", "[edge][datagram]") {
  DatagramBench bench;
  REQUIRE(bench.connect());
  mqtt::Event event;
  const Payload strangers[] = {{},
                               {1, 2, 3},
                               {0x17, 1, 9, 9},
                               {0x14, 1, 7, 0, 1, 0, 0, 0},
                               {0x14, 0, 7, 0, 9, 0, 5, 0},
                               {0x16, 1, 7, 0, 55, 0},
                               {0x12, 0, 7, 0},
                               {0x11, 0, 7, 0, 1, 0}};
  for (const Payload& stranger : strangers) {
    Bytes input = bytes(stranger);
    CHECK(bench.node.receive(input, event, bench.now) == Status::kOk);
    CHECK(event.kind == EventKind::kNone);
  }
  CHECK(bench.node.damaged_datagrams() == 2);
  CHECK(bench.node.is_connected());
}
