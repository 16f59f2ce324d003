#include "skink/simulations/wire_cost.hpp"

#include <catch2/catch.hpp>
#include <stdexcept>

#include "skink/common/codec/codec.hpp"
#include "skink/simulations/protocol/world.hpp"
#include "skink/simulations/run.hpp"
#include "wire/conversation.hpp"

using namespace skink;
using namespace skink::simulations;

namespace {

constexpr std::uint32_t kTopic = 32;
constexpr std::uint64_t kHeader = 52;
constexpr std::uint64_t kRecord = 22;
constexpr std::uint64_t kPuback = 4;

WireCost operator-(const WireCost& a, const WireCost& b) {
  const auto less = [](const WireBytes& x, const WireBytes& y) { return WireBytes{x.up - y.up, x.down - y.down}; };
  return {less(a.payload, b.payload), less(a.mqtt, b.mqtt), less(a.tls, b.tls), less(a.tcp_ip, b.tcp_ip)};
}

DeviceRound typical_round(std::uint32_t encoded_bytes) {
  DeviceRound round;
  round.model_bytes = 10000;
  round.fetches = {model_fetch(round.fleet_bytes, round.model_bytes)};
  round.encoded_bytes = encoded_bytes;
  return round;
}

}  // namespace

TEST_CASE("wire cost: a short publication is one packet each way and a bare acknowledgement", "[simulation][wire]") {
  const WireCost up = publish_up(kTopic, 200);
  CHECK(up.payload == WireBytes{200, 0});
  CHECK(up.mqtt == WireBytes{1 + 2 + 2 + kTopic + 2, kPuback});  // type, length, topic's length, topic, packet id
  CHECK(up.tls == WireBytes{kRecord, kRecord});
  CHECK(up.tcp_ip == WireBytes{2 * kHeader, kHeader});  // the PUBLISH, and later the acknowledgement of the PUBACK
  CHECK(up.total() == WireBytes{200 + 39 + 22 + 104, 4 + 22 + 52});

  const WireCost down = publish_down(kTopic, 200);
  CHECK(down.total() == WireBytes{up.total().down, up.total().up});
}

TEST_CASE("wire cost: the MQTT header grows where the length needs another byte", "[simulation][wire]") {
  const std::uint32_t variable = 2 + kTopic + 2;
  const std::uint32_t longest[] = {127, 16383, 2097151};
  for (std::uint32_t bytes = 1; bytes <= 3; ++bytes) {
    const std::uint32_t payload = longest[bytes - 1] - variable;
    CHECK(publish_up(kTopic, payload).mqtt.up == 1 + bytes + variable);
    CHECK(publish_up(kTopic, payload + 1).mqtt.up == 1 + bytes + 1 + variable);
  }
}

TEST_CASE("wire cost: a long publication is cut into segments, the second of which is acknowledged at once",
          "[simulation][wire]") {
  const std::uint32_t segment = LinkProfile().segment_bytes();
  CHECK(segment == 1448);
  const auto payload_of = [&](std::uint32_t segments) {
    return segments * segment - 39 - static_cast<std::uint32_t>(kRecord);
  };
  // One segment that is full, and one byte more.
  CHECK(publish_up(kTopic, payload_of(1)).tcp_ip == WireBytes{2 * kHeader, kHeader});
  CHECK(publish_up(kTopic, payload_of(1) + 1).tcp_ip == WireBytes{3 * kHeader, 2 * kHeader});
  CHECK(publish_up(kTopic, payload_of(2)).tcp_ip == WireBytes{3 * kHeader, 2 * kHeader});
  CHECK(publish_up(kTopic, payload_of(2) + 1).tcp_ip == WireBytes{4 * kHeader, 2 * kHeader});
  CHECK(publish_up(kTopic, payload_of(4)).tcp_ip == WireBytes{5 * kHeader, 3 * kHeader});
}

TEST_CASE("wire cost: a record holds 16 KB", "[simulation][wire]") {
  CHECK(publish_up(kTopic, 16384 - 39).tls.up == kRecord);
  CHECK(publish_up(kTopic, 16384 - 38).tls.up == 2 * kRecord);
}

TEST_CASE("wire cost: subscriptions and keep-alives", "[simulation][wire]") {
  const WireCost subscription = subscribe(kTopic);
  CHECK(subscription.mqtt == WireBytes{2 + 2 + 2 + kTopic + 1, 5});
  CHECK(subscription.total() == WireBytes{39 + 22 + 2 * 52, 5 + 22 + 52});
  CHECK(keep_alive().total() == WireBytes{2 + 22 + 2 * 52, 2 + 22 + 52});
}

TEST_CASE("wire cost: a microcontroller has longer records and shorter headers", "[simulation][wire]") {
  const LinkProfile link = LinkProfile::microcontroller();
  CHECK(link.segment_bytes() == 1460);
  const WireCost up = publish_up(kTopic, 200, link);
  CHECK(up.tls == WireBytes{2 * 29, 29});  // a record for the header, one for the payload
  CHECK(up.tcp_ip == WireBytes{2 * 40, 40});
  CHECK(publish_up(kTopic, 2048, link).tls.up == 2 * 29);
  CHECK(publish_up(kTopic, 2049, link).tls.up == 3 * 29);
  CHECK(publish_down(kTopic, 4096, link).tls.down == 3 * 29);
}

TEST_CASE("wire cost: what a Linux receiver acknowledges apart", "[simulation][wire]") {
  const Packet shorter{10, 0};
  const auto bare_up = [](const Conversation& conversation) { return conversation.cost().tcp_ip.up / kHeader; };
  Conversation conversation{LinkProfile()};
  SECTION("one message that is answered is not") {
    conversation.send(Side::kBroker, shorter);
    CHECK(bare_up(conversation) == 0);
    conversation.send(Side::kDevice, shorter);
    conversation.pause();
    CHECK(bare_up(conversation) == 1);  // the answer
  }
  SECTION("the second of two is") {
    conversation.send(Side::kBroker, shorter);
    conversation.send(Side::kBroker, shorter);
    CHECK(bare_up(conversation) == 1);
  }
  SECTION("one that is not answered is, after a while, and so is the next at once") {
    conversation.send(Side::kBroker, shorter);
    conversation.pause();
    CHECK(bare_up(conversation) == 1);
    conversation.pause();
    CHECK(bare_up(conversation) == 1);
    conversation.send(Side::kBroker, shorter);
    CHECK(bare_up(conversation) == 2);
    conversation.send(Side::kDevice, shorter);  // an answer in time: it may wait again
    conversation.send(Side::kBroker, shorter);
    CHECK(bare_up(conversation) == 3);
  }
}

TEST_CASE("wire cost: lwIP acknowledges every second segment and every segment's worth of room", "[simulation][wire]") {
  LinkProfile link = LinkProfile::microcontroller();
  link.longest_record = 16384;
  const auto bare_up = [](const Conversation& conversation) { return conversation.cost().tcp_ip.up / 40; };
  Conversation conversation(link);
  const Packet small{10, 0};
  conversation.send(Side::kBroker, small);
  CHECK(bare_up(conversation) == 0);
  conversation.send(Side::kBroker, small);
  CHECK(bare_up(conversation) == 1);
  conversation.send(Side::kBroker, {1460 - 29, 0});
  CHECK(bare_up(conversation) == 2);
}

TEST_CASE("wire cost: a device that has the model saves its bytes, its topics and its packets", "[simulation][wire]") {
  DeviceRound round = typical_round(1000);
  REQUIRE(round.fetches[0].messages.size() == 3);
  const WireCost with = device_round_cost(round);
  round.fetches.clear();
  const WireCost without = device_round_cost(round);
  const WireCost fetched = with - without;
  CHECK(fetched.payload == WireBytes{0, 10000 + 3 * 8});  // with their heads
  const std::uint32_t topic = 8 + 5 + 6 + 1 + 2;          // skink/1/ demo/ model/ 0 /0
  CHECK(fetched.mqtt.down == 5 + 3 * (3 + 2 + topic + 2) + 4);
  CHECK(fetched.mqtt.up == (2 + 2 + 2 + topic + 1) + 3 * kPuback + (2 + 2 + 2 + topic));
  CHECK(fetched.tls == WireBytes{5 * kRecord, 5 * kRecord});
}

TEST_CASE("wire cost: an update in two chunks is two publications", "[simulation][wire]") {
  const WireCost one = device_round_cost(typical_round(4096));
  const WireCost two = device_round_cost(typical_round(4097));
  const WireCost more = two - one;
  CHECK(more.payload.up > 50);  // a byte, and once more the fields of an update and its code
  CHECK(more.payload.up < 100);
  CHECK(more.payload.down == 0);
  CHECK(more.mqtt == WireBytes{2 + 4 + 34, kPuback});
  CHECK(more.tls == WireBytes{kRecord, kRecord});
  DeviceRound round = typical_round(4097);
  round.chunk_bytes = 2048;
  CHECK(device_round_cost(round).mqtt.down == two.mqtt.down + kPuback);
}

TEST_CASE("wire cost: error feedback costs a field in task and update", "[simulation][wire]") {
  DeviceRound round = typical_round(100);
  round.uplink = "topk:0.01+ternary";
  const WireCost plain = device_round_cost(round);
  round.uplink = "topk:0.01+ternary+ef";
  const WireCost more = device_round_cost(round) - plain;
  CHECK(more.payload == WireBytes{3 + 3, 3 + 3});  // +ef in the name; the number of a field takes two bytes from 16 on
}

TEST_CASE("wire cost: a chain of patches costs itself and its acknowledgements", "[simulation][wire]") {
  DeviceRound round = typical_round(100);
  round.fetches.clear();
  const WireCost plain = device_round_cost(round);
  round.patch_bytes = 400;
  const WireCost one = device_round_cost(round) - plain;
  CHECK(one.payload == WireBytes{0, 400 + 12 + 10 + 4});  // and two fields of the task
  CHECK(one.mqtt.up == kPuback);
  round.patch_bytes = 2 * 4084;
  const WireCost two = device_round_cost(round) - plain;
  CHECK(two.payload == WireBytes{0, 2 * 4096 + 10 + 4});
  CHECK(two.mqtt.up == 2 * kPuback);
}

TEST_CASE("wire cost: remembered costs are the computed ones", "[simulation][wire]") {
  DeviceRoundCosts costs(typical_round(1), LinkProfile::microcontroller());
  for (const std::uint32_t bytes : {5U, 5000U, 5U, 12345U, 5000U}) {
    CHECK(costs.with(bytes) == device_round_cost(typical_round(bytes), LinkProfile::microcontroller()));
  }
}

TEST_CASE("wire cost: rounds that cannot be are refused", "[simulation][wire]") {
  CHECK_THROWS_AS(device_round_cost(typical_round(0)), std::invalid_argument);
  DeviceRound round = typical_round(1);
  round.device_id_bytes = 65;
  CHECK_THROWS_AS(device_round_cost(round), std::invalid_argument);
  round.device_id_bytes = 0;
  CHECK_THROWS_AS(device_round_cost(round), std::invalid_argument);
  CHECK_THROWS_AS(model_fetch(65, 1), std::invalid_argument);
}

namespace {

constexpr const char* kExperiment = R"(
name = "wire"
seed = 3
[model]
input = [1]
loss = "mean_squared_error"
layers = [ { type = "dense", units = 900 }, { type = "relu" }, { type = "dense", units = 1 } ]
[task]
source = "sine"
support_size = 4
[meta]
strategy = "tinyreptile"
rounds = 4
cohort = 3
inner_learning_rate = 0.0001
[evaluation]
tasks = 0
final_tasks = 0
query_size = 10
[fleet]
devices = 5
)";

}  // namespace

TEST_CASE("wire cost: payloads are those of the coordinator's and the devices' own messages", "[simulation][wire]") {
  const std::string uplink = GENERATE("float32", "int8", "eden:2", "topk:0.01+ternary", "int4+range");
  const auto experiment = parse_experiment(kExperiment, "wire.toml", {{"codec.uplink", "\"" + uplink + "\""}});
  REQUIRE(experiment.has_value());
  coordinator::CoordinatorConfig config;
  config.experiment = *experiment;
  config.master_key = simulation_key();
  const auto tasks = TaskGenerator::create(*experiment, nullptr);
  REQUIRE(tasks.has_value());
  World world(config, *tasks, {});
  WireBytes predicted;
  WorldObserver observer;
  observer.on_update = [&](const coordinator::TakenUpdate& update) {
    DeviceRound round = device_round_of(*experiment);
    round.round = update.id.round;
    round.device_index = update.device_index;
    round.support_samples = update.support_samples;
    round.encoded_bytes = static_cast<std::uint32_t>(update.change.size());
    predicted += device_round_cost(round).payload;
  };
  std::uint32_t rounds = 0;
  observer.on_round = [&](const rounds::RoundRecord& record) {
    ++rounds;
    CHECK(record.traffic.uplink_bytes == predicted.up);
    CHECK(record.traffic.downlink_bytes == predicted.down);
  };
  REQUIRE(world.run(observer));
  CHECK(rounds == 4);
}
