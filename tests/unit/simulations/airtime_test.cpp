#include "skink/simulations/airtime.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include "skink/host/experiment/device_memory.hpp"
#include "small_sine.hpp"

using namespace skink;
using namespace skink::simulations;
using std::chrono::microseconds;

namespace {

AirLink lora(std::uint32_t data_rate) {
  AirLink link;
  link.name = "DR" + std::to_string(data_rate);
  link.data_rate = data_rate;
  return link;
}

AirLink thread_radio() {
  AirLink link;
  link.kind = AirKind::k802154;
  link.name = "802.15.4";
  link.packet_header_bytes = 48;
  return link;
}

AirLink rate(std::uint64_t bits_per_second) {
  AirLink link;
  link.kind = AirKind::kRate;
  link.name = "rate";
  link.bits_per_second = bits_per_second;
  link.packet_header_bytes = 40;
  return link;
}

AirMessage up(std::vector<std::uint32_t> bytes) {
  AirMessage message{"m", AirMessage::Way::kUp, {}};
  for (const std::uint32_t count : bytes) message.parts.push_back({32, count});
  return message;
}

AirCost cost_of(const AirLink& link, const AirMessage& message) {
  const auto cost = air_cost(link, message);
  REQUIRE(cost.has_value());
  return *cost;
}

}  // namespace

// The symbols below are worked out by hand from the data sheet's formula:
// 8 + ceil((8 PL - 4 SF + 28 + 16 CRC - 20 IH) / (4 (SF - 2 DE))) (CR + 4), and 12.25 of the preamble.
TEST_CASE("airtime: LoRa's formula, by hand", "[simulation][airtime]") {
  // SF7: (8*23 - 28 + 44) / 28 = 7.1 -> 8 * 5 + 8 = 48; 60.25 * 1.024 ms
  CHECK(lora_payload_symbols(lorawan_modulation(5), 23) == 48);
  CHECK(lora_time_on_air(lorawan_modulation(5), 23) == microseconds(61696));
  // SF12, optimised: (184 - 48 + 44) / 40 = 4.5 -> 5 * 5 + 8 = 33; 45.25 * 32.768 ms
  CHECK(lora_time_on_air(lorawan_modulation(0), 23) == microseconds(1482752));
  // SF12: (512 - 48 + 44) / 40 = 12.7 -> 13 * 5 + 8 = 73; 85.25 * 32.768 ms
  CHECK(lora_time_on_air(lorawan_modulation(0), 64) == microseconds(2793472));
  // SF11, optimised: (512 - 44 + 44) / 36 = 14.2 -> 15 * 5 + 8 = 83; 95.25 * 16.384 ms
  CHECK(lora_time_on_air(lorawan_modulation(1), 64) == microseconds(1560576));
  // SF10, not optimised: (512 - 40 + 44) / 40 = 12.9 -> 13 * 5 + 8 = 73; 85.25 * 8.192 ms
  CHECK(lora_time_on_air(lorawan_modulation(2), 64) == microseconds(698368));
  // SF9: (1024 - 36 + 44) / 36 = 28.7 -> 29 * 5 + 8 = 153; 165.25 * 4.096 ms
  CHECK(lora_time_on_air(lorawan_modulation(3), 128) == microseconds(676864));
  // SF8: (1880 - 32 + 44) / 32 = 59.1 -> 60 * 5 + 8 = 308; 320.25 * 2.048 ms
  CHECK(lora_time_on_air(lorawan_modulation(4), 235) == microseconds(655872));
  // SF7: (1880 - 28 + 44) / 28 = 67.7 -> 68 * 5 + 8 = 348; 360.25 * 1.024 ms
  CHECK(lora_time_on_air(lorawan_modulation(5), 235) == microseconds(368896));
}

TEST_CASE("airtime: LoRa without header and check sum, other rates and bandwidths", "[simulation][airtime]") {
  LoraModulation bare;
  bare.has_header = false;
  bare.has_crc = false;
  bare.coding_rate = 4;
  CHECK(lora_payload_symbols(bare, 10) == 8 + 3 * 8);  // (80 - 28 + 28 - 20) / 28 = 2.1
  CHECK(lora_time_on_air(bare, 10) == microseconds(45312));
  LoraModulation empty = lorawan_modulation(0);
  CHECK(lora_payload_symbols(empty, 0) == 8);  // (-48 + 44) < 0
  CHECK(lora_time_on_air(empty, 0) == microseconds(663552));
  empty.bandwidth_hz = 500000;
  CHECK(lora_symbol(empty) == microseconds(8192));
  CHECK(lora_payload_symbols(empty, 64) == 8 + 11 * 5);  // not optimised: 508 / 48 = 10.6
}

TEST_CASE("airtime: a message is cut into LoRaWAN frames", "[simulation][airtime]") {
  const AirTime full = lora_time_on_air(lorawan_modulation(0), 64);
  CHECK(cost_of(lora(0), up({51})).frames == 1);
  CHECK(cost_of(lora(0), up({102})).frames == 2);
  CHECK(cost_of(lora(0), up({102})).air == 2 * full);
  const AirCost one_more = cost_of(lora(0), up({103}));
  CHECK(one_more.frames == 3);
  CHECK(one_more.air == 2 * full + microseconds(1155072));  // (112 - 48 + 44) / 40 = 2.7; 35.25 * 32.768 ms
  CHECK(one_more.bytes == 103);
  // Messages are not joined, and a header of the pieces counts in each frame.
  CHECK(cost_of(lora(0), up({51, 51, 1})).frames == 3);
  AirLink headed = lora(0);
  headed.piece_header_bytes = 11;
  CHECK(cost_of(headed, up({80})).frames == 2);
  CHECK(cost_of(headed, up({80})).air == 2 * full);
  CHECK(cost_of(headed, up({81})).frames == 3);
}

TEST_CASE("airtime: silence follows from the duty cycle", "[simulation][airtime]") {
  const AirCost cost = cost_of(lora(5), up({10}));
  CHECK(cost.seconds_with_silence(0.01) == Approx(6.1696));
  CHECK(cost.seconds_with_silence(1) == Approx(0.061696));
}

TEST_CASE("airtime: 802.15.4 carries packets in fragments of 6LoWPAN", "[simulation][airtime]") {
  const AirCost small = cost_of(thread_radio(), up({10}));  // 48 + 10, dispatch 1, MAC 11, PHY 6: 76 bytes
  CHECK(small.frames == 1);
  CHECK(small.air == microseconds(2432));
  const AirCost packet = cost_of(thread_radio(), up({1232}));  // 1280: 104, eleven of 104, 32
  CHECK(packet.frames == 13);
  CHECK(packet.air == microseconds((1280 + 5 + 12 * 5 + 13 * 17) * 32));
  const AirCost two = cost_of(thread_radio(), up({1233}));
  CHECK(two.frames == 14);
  CHECK(two.air == packet.air + microseconds((48 + 1 + 1 + 17) * 32));
  // 67 bytes fill one frame with their headers; with one more the rest is a frame of its own.
  CHECK(cost_of(thread_radio(), up({67})).frames == 1);
  CHECK(cost_of(thread_radio(), up({68})).frames == 2);
}

TEST_CASE("airtime: a link of which the rate is known carries MQTT", "[simulation][airtime]") {
  LinkProfile profile = LinkProfile::microcontroller();
  profile.mtu = 1280;
  const WireBytes wire = publish_up(32, 500, profile).total();
  const AirCost cost = cost_of(rate(8000), up({500}));
  CHECK(cost.bytes == wire.up + wire.down);
  CHECK(cost.air == std::chrono::milliseconds(wire.up + wire.down));
  CHECK(cost.frames == 3);  // PUBLISH, PUBACK, and later the acknowledgement of the PUBACK
  AirLink plain = rate(8000);
  plain.kind = AirKind::kPlain;
  CHECK(cost_of(plain, up({500})).air == std::chrono::milliseconds(500));
}

TEST_CASE("airtime: links that cannot be are refused", "[simulation][airtime]") {
  const auto code_of = [](const AirLink& link) { return air_cost(link, up({10})).error().code; };
  AirLink link = lora(6);
  CHECK(code_of(link) == Status::kInvalidArgument);
  link = lora(0);
  link.piece_header_bytes = 44;
  CHECK(code_of(link) == Status::kInvalidArgument);
  link.piece_header_bytes = 43;
  CHECK(air_cost(link, up({10})).has_value());
  link = lora(0);
  link.duty_cycle = 0;
  CHECK(code_of(link) == Status::kInvalidArgument);
  CHECK(code_of(rate(0)) == Status::kInvalidArgument);
  link = thread_radio();
  link.mtu = 55;
  CHECK(code_of(link) == Status::kInvalidArgument);
}

TEST_CASE("airtime: the messages of a round are those that the wire cost counts", "[simulation][airtime]") {
  const Experiment experiment = parse_experiment(test::kSmallSine, "small.toml").value();
  const DeviceMemory memory = device_memory(experiment);
  const auto table = air_table(experiment, {lora(5), lora(0)});
  REQUIRE(table.has_value());
  REQUIRE(table->rows.size() == 7);
  CHECK(table->rows[2].name == "model");
  CHECK(table->rows[2].bytes == memory.model + 8 * table->rows[2].messages);
  CHECK(table->rows[3].name == "update");
  CHECK(table->rows[3].bytes > memory.update);
  const AirTable::Row& fetched = table->rows[5];
  std::uint64_t payload = 0;
  for (std::size_t r = 1; r < 5; ++r) payload += table->rows[r].bytes;
  CHECK(fetched.bytes == payload);
  const WireCost whole = device_round_cost(device_round_of(experiment));
  CHECK(whole.payload.up + whole.payload.down == payload);
  CHECK(fetched.costs[1].air > 10 * fetched.costs[0].air);
  CHECK(table->rows[6].bytes == payload - table->rows[2].bytes);
}

TEST_CASE("airtime: the table as text, CSV and JSON says the same", "[simulation][airtime]") {
  std::vector<AirLink> links{lora(0), lora(5)};
  for (AirLink& link : links) link.duty_cycle = 0.01;
  const auto table = air_table(std::vector<std::uint32_t>{10, 51}, links);
  REQUIRE(table.has_value());
  const std::string text = to_text(*table);
  CHECK(text.find("61.7 ms") != std::string::npos);
  CHECK(text.find("2.79 s") != std::string::npos);
  CHECK(text.find("4.7 min") != std::string::npos);  // 279.3 s
  const std::string csv = to_csv(*table);
  CHECK(csv.find("DR0,\"51 bytes\",up,1,51,51,1,2.793472,279.347200\n") != std::string::npos);
  const auto json = boost::json::parse(to_json(*table)).as_object();
  REQUIRE(json.at("rows").as_array().size() == 4);
  const auto& row = json.at("rows").as_array()[1].as_object();
  CHECK(row.at("link") == "DR0");
  CHECK(row.at("bytes") == 51);
  CHECK(row.at("air_seconds").to_number<double>() == Approx(2.793472));
  CHECK(json.at("duty_cycle").to_number<double>() == Approx(0.01));
}
