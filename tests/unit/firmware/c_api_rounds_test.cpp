/// @file
/// skink.h on a connection: what an application is told of rounds, and when the connection is of no use.

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

#include "fakes/c_application.hpp"
#include "fakes/client_bench.hpp"
#include "skink/common/little_endian.hpp"

using namespace skink;
using namespace skink::test;

namespace {

/// The application on a connection whose other end is the test: a broker, and a coordinator that knows the device.
class Connected {
 public:
  Connected() : it(48) {
    it.join_fleet();
    REQUIRE(it.start() == SKINK_OK);
    connect();
  }

  void connect() {
    REQUIRE(skink_connected(it.device.get(), 0) == SKINK_OK);
    drain();
    const std::uint8_t accepted[] = {0x20, 2, 0, 0};
    REQUIRE(skink_receive(it.device.get(), accepted, sizeof accepted, 0) == SKINK_OK);
    drain();
  }

  void drain() {
    for (skink_bytes out = skink_output(it.device.get(), 0); out.count != 0; out = skink_output(it.device.get(), 0)) {
      skink_sent(it.device.get(), out.count, 0);
    }
  }

  /// A message of QoS 0.
  void publish(const std::string& topic, const Message& payload) {
    std::string packet;
    for (std::size_t left = 2 + topic.size() + payload.size(); left > 0 || packet.empty(); left /= 128) {
      packet += static_cast<char>(left % 128 + (left >= 128 ? 128 : 0));
    }
    packet = '\x30' + packet + '\0' + static_cast<char>(topic.size()) + topic;
    packet.append(payload.begin(), payload.end());
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(packet.data());
    REQUIRE(skink_receive(it.device.get(), bytes, packet.size(), 0) == SKINK_OK);
    drain();
  }

  void give_task(std::uint32_t round) {
    publish("skink/1/f/dev/bench-1/task", coordinator.encoded(coordinator.task(round)));
  }

  void give_model() {
    const Message& file = coordinator.model.file;
    for (std::uint32_t chunk = 0; chunk < coordinator.model_chunks(); ++chunk) {
      const auto begin = file.begin() + static_cast<std::ptrdiff_t>(chunk * wire::kModelChunkBytes);
      const auto left = static_cast<std::size_t>(file.end() - begin);
      Message message(wire::kModelHeadBytes);
      store_u64(message.data(), crypto::prefix_of(coordinator.model.digest));
      message.insert(message.end(), begin, begin + static_cast<std::ptrdiff_t>(std::min(wire::kModelChunkBytes, left)));
      char topic[wire::kMaxTopicBytes];
      wire::Topic name;
      name.kind = wire::TopicKind::kModel;
      name.fleet = {"f", 1};
      name.chunk = chunk;
      const std::size_t length = wire::format_topic(name, topic);
      publish({topic, length}, message);
    }
  }

  Application it;
  ClientBench coordinator;

 private:
};

}  // namespace

TEST_CASE("skink.h: rounds and their models are told, and a restart knows them", "[firmware][c_api]") {
  using Rounds = std::vector<std::pair<std::uint32_t, skink_round_event>>;
  Connected bench;
  Application& it = bench.it;
  CHECK(it.state().is_online == 1);
  const float x = 1;
  REQUIRE(skink_observe(it.device.get(), &x, 1) == SKINK_OK);
  REQUIRE(skink_target(it.device.get(), &x, 1) == SKINK_OK);
  bench.give_task(4);
  CHECK(it.told.rounds == Rounds{{4, SKINK_ROUND_BEGUN}});
  bench.give_model();
  CHECK(it.told.models == std::vector<std::pair<skink_model_kind, std::uint32_t>>{{SKINK_MODEL_OF_ROUND, 0}});
  CHECK(it.state().has_work == 1);
  CHECK(std::memcmp(it.state().model_sha256, bench.coordinator.model.digest.bytes, 32) == 0);
  bench.give_task(5);
  CHECK(it.told.rounds == Rounds{{4, SKINK_ROUND_BEGUN}, {4, SKINK_ROUND_GIVEN_UP}, {5, SKINK_ROUND_BEGUN}});
  bench.give_task(3);  // older: refused, which is an end of the round that the refusal takes the place of
  CHECK(it.told.rounds.back() == std::make_pair(std::uint32_t{5}, SKINK_ROUND_REFUSED));
  const std::uint8_t nonsense[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  CHECK(skink_receive(it.device.get(), nonsense, sizeof nonsense, 0) == SKINK_CONNECTION_LOST);
  skink_disconnected(it.device.get());
  CHECK(skink_receive(it.device.get(), nonsense, sizeof nonsense, 0) == SKINK_CONNECTION_LOST);
  CHECK(it.state().is_online == 0);

  REQUIRE(it.start() == SKINK_OK);
  CHECK(it.state().has_model == 1);
  CHECK(it.state().starts == 2);
  float outputs[1];
  REQUIRE(skink_observe(it.device.get(), &x, 1) == SKINK_OK);
  CHECK(skink_predict(it.device.get(), outputs, 1) == SKINK_OK);
}

TEST_CASE("skink.h: a broker that says nothing for too long is left", "[firmware][c_api]") {
  Connected bench;
  std::uint64_t next_ms = 0;
  bench.it.config.keep_alive_s = 60;
  skink_disconnected(bench.it.device.get());
  REQUIRE(bench.it.start() == SKINK_OK);
  bench.connect();
  skink_status status = SKINK_OK;
  for (std::uint64_t now_ms = 0; now_ms < 600'000 && status == SKINK_OK; now_ms = std::max(next_ms, now_ms + 1)) {
    status = skink_poll(bench.it.device.get(), now_ms, &next_ms);
    const skink_bytes out = skink_output(bench.it.device.get(), now_ms);
    skink_sent(bench.it.device.get(), out.count, now_ms);
  }
  CHECK(status == SKINK_CONNECTION_LOST);
}
