/// @file
/// A device over datagrams that sleeps whenever there is nothing to do, and a bridge's end of its session.

#include <algorithm>
#include <vector>

#include "fakes/c_application.hpp"
#include "fakes/client_bench.hpp"
#include "skink/common/little_endian.hpp"
#include "skink/edge/bridge/datagram_peer.hpp"

using namespace skink;
using namespace skink::test;
using edge::datagram::Operation;

namespace {

constexpr std::uint32_t kSleepS = 600;

/// The application, the bridge and the time; the test is broker and coordinator.
class Node {
 public:
  Node() : it(48) {
    it.join_fleet();
    it.config.uses_datagrams = 1;
    it.config.keep_alive_s = 20;
    it.config.sleep_s = kSleepS;
    REQUIRE(it.start() == SKINK_OK);
    const float x = 1;
    REQUIRE(skink_observe(it.device.get(), &x, 1) == SKINK_OK);
    REQUIRE(skink_target(it.device.get(), &x, 1) == SKINK_OK);
    REQUIRE(skink_connected(it.device.get(), now) == SKINK_OK);
  }

  bool is_asleep() const { return skink_is_asleep(it.device.get()) == 1; }
  bool was_told(skink_round_event event) const {
    return std::any_of(it.told.rounds.begin(), it.told.rounds.end(),
                       [&](const auto& round) { return round.second == event; });
  }

  /// What is due now, at both ends.
  void turn() {
    std::uint64_t next_ms = 0;
    REQUIRE(skink_poll(it.device.get(), now, &next_ms) == SKINK_OK);
    for (skink_bytes out = skink_output(it.device.get(), now); out.count != 0;
         out = skink_output(it.device.get(), now)) {
      ++datagrams;
      const auto event = peer.receive({out.data, out.count}, now);
      skink_sent(it.device.get(), out.count, now);
      if (event) take(*event);
    }
    REQUIRE(peer.on_time(now));
    for (Bytes out = peer.output(now); !out.empty(); out = peer.output(now)) {
      ++datagrams;
      REQUIRE(skink_receive(it.device.get(), out.data(), out.size(), now) == SKINK_OK);
    }
  }

  /// @returns false: not within `limit_ms`.
  template <class Condition>
  bool run_until(Condition is_so, std::uint64_t limit_ms) {
    for (const std::uint64_t end = now + limit_ms; now < end && !is_so(); now += 50) turn();
    return is_so();
  }
  void run_for(std::uint64_t ms) {
    (void)run_until([] { return false; }, ms);
  }

  void give_task() {
    wire::Task task = coordinator.task();
    task.chunk_bytes = 4096;  // one message
    peer.deliver({Operation::kPublish, wire::TopicKind::kTask, 0, 0, false}, coordinator.encoded(task), now);
  }

  Application it;
  ClientBench coordinator;
  edge::DatagramPeer peer;
  std::uint64_t now = 1000;
  std::size_t datagrams = 0;
  bool answers = true;  ///< the coordinator takes an update at once

 private:
  void take(const edge::DatagramEvent& event) {
    if (event.kind == edge::DatagramEventKind::kBegun) {
      peer.welcome(now);
      return;
    }
    REQUIRE(event.kind == edge::DatagramEventKind::kMessage);
    peer.complete();
    const bool asks = event.address.operation == Operation::kSubscribe;
    if (asks && event.address.topic == wire::TopicKind::kModel) give_model();
    if (event.address.topic == wire::TopicKind::kUpdate && answers) give_reply();
  }

  void give_model() {
    const Message& file = coordinator.model.file;
    for (std::uint32_t chunk = 0; chunk < coordinator.model_chunks(); ++chunk) {
      const auto begin = file.begin() + static_cast<std::ptrdiff_t>(chunk * wire::kModelChunkBytes);
      const auto left = static_cast<std::size_t>(file.end() - begin);
      Message message(wire::kModelHeadBytes);
      store_u64(message.data(), crypto::prefix_of(coordinator.model.digest));
      message.insert(message.end(), begin, begin + static_cast<std::ptrdiff_t>(std::min(wire::kModelChunkBytes, left)));
      peer.deliver({Operation::kPublish, wire::TopicKind::kModel, 0, chunk, true}, message, now);
    }
  }

  void give_reply() {
    wire::Reply reply{};
    reply.run = coordinator.task().run;
    reply.verdict = static_cast<skink_wire_Verdict>(wire::Verdict::kAccepted);
    Message out(wire::kMaxControlBytes);
    std::size_t written = 0;
    REQUIRE(wire::encode_reply(reply, coordinator.identity, {out.data(), out.size()}, written) == Status::kOk);
    out.resize(written);
    peer.deliver({Operation::kPublish, wire::TopicKind::kReply, 0, 0, false}, out, now);
  }
};

}  // namespace

TEST_CASE("device: over datagrams it sleeps when nothing waits, and the broker has it online", "[firmware][device]") {
  Node node;
  REQUIRE(node.run_until([&] { return node.is_asleep(); }, 5000));
  CHECK(node.peer.is_asleep());
  CHECK(node.it.state().is_online == 1);
  std::uint64_t next_ms = 0;
  REQUIRE(skink_poll(node.it.device.get(), node.now, &next_ms) == SKINK_OK);
  CHECK(next_ms > node.now + (kSleepS - 10) * 1000);

  // It wakes, asks, and sleeps again: two questions and their answers.
  node.run_for(2000);
  node.datagrams = 0;
  const std::uint64_t begin = node.now;
  REQUIRE(node.run_until([&] { return !node.is_asleep(); }, kSleepS * 1000));
  CHECK(node.now > begin + (kSleepS - 10) * 1000);
  REQUIRE(node.run_until([&] { return node.is_asleep(); }, 5000));
  CHECK(node.datagrams == 4);
}

TEST_CASE("device: a task waits at the bridge while it sleeps, and after the round it sleeps again",
          "[firmware][device]") {
  Node node;
  REQUIRE(node.run_until([&] { return node.is_asleep(); }, 5000));
  node.run_for(2000);
  node.give_task();
  node.datagrams = 0;
  node.run_for((kSleepS - 20) * 1000);
  CHECK(node.datagrams == 0);
  CHECK(node.it.told.rounds.empty());
  REQUIRE(node.run_until([&] { return node.was_told(SKINK_ROUND_BEGUN); }, 30'000));
  REQUIRE(node.run_until([&] { return node.was_told(SKINK_ROUND_ACCEPTED); }, 30'000));
  REQUIRE(node.run_until([&] { return node.is_asleep(); }, 5000));
}

TEST_CASE("device: over datagrams it does not sleep before its update is answered", "[firmware][device]") {
  Node node;
  node.answers = false;
  REQUIRE(node.run_until([&] { return node.is_asleep(); }, 5000));
  node.give_task();
  REQUIRE(node.run_until([&] { return node.was_told(SKINK_ROUND_BEGUN); }, (kSleepS + 30) * 1000));
  node.run_for(120'000);
  CHECK_FALSE(node.is_asleep());
  CHECK_FALSE(node.was_told(SKINK_ROUND_ACCEPTED));
}
