#pragma once
/// @file
/// What a device-round costs on the network: the bytes of all IP packets between one device and the broker, by the
/// layer that adds them. Computed from the lengths of the real messages and topics and from rules that say which
/// packets TCP makes of them; nothing is sent. docs/wire-cost.md says what is counted, and compares it with captures
/// (scripts/measure-wire).
///
/// Not counted: frames below IP, the making of a connection, keep-alives between rounds, what is lost and sent again.

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "skink/common/wire/messages.hpp"
#include "skink/host/experiment/experiment.hpp"

namespace skink::simulations {

/// Bytes in both directions, seen from the device.
struct WireBytes {
  std::uint64_t up = 0;    ///< device to broker
  std::uint64_t down = 0;  ///< broker to device

  /// Sums in each direction.
  WireBytes& operator+=(const WireBytes& other) {
    up += other.up;
    down += other.down;
    return *this;
  }
  friend WireBytes operator+(WireBytes a, const WireBytes& b) { return a += b; }
  friend bool operator==(const WireBytes&, const WireBytes&) = default;
};

/// The same bytes by layer.
struct WireCost {
  WireBytes payload;  ///< of PUBLISH packets: messages with their codes, and pieces of a model
  WireBytes mqtt;     ///< the rest of MQTT: headers, topics, acknowledgements, subscriptions
  WireBytes tls;      ///< headers, nonces and tags of records
  WireBytes tcp_ip;   ///< headers of all packets, those of bare acknowledgements included

  /// Of all layers, and sums layer by layer.
  WireBytes total() const { return payload + mqtt + tls + tcp_ip; }
  WireCost& operator+=(const WireCost& other) {
    payload += other.payload;
    mqtt += other.mqtt;
    tls += other.tls;
    tcp_ip += other.tcp_ip;
    return *this;
  }
  friend bool operator==(const WireCost&, const WireCost&) = default;
};

/// How a TCP receiver acknowledges what it does not answer.
enum class Acknowledging : std::uint8_t { kLinux, kLwip };

/// What lies between MQTT and the network. The broker is mosquitto on Linux in any case.
struct LinkProfile {
  std::uint32_t mtu = 1500;              ///< largest IP packet
  std::uint32_t header_bytes = 52;       ///< of IP and TCP, in each packet
  std::uint32_t record_bytes = 22;       ///< that TLS adds to a record
  std::uint32_t longest_record = 16384;  ///< MQTT bytes in a record, in both directions
  Acknowledging device = Acknowledging::kLinux;
  bool publishes_in_two = false;  ///< the device makes a record of a publication's header, and others of its payload
  bool sends_by_turns = false;    ///< what the device has to say at one moment goes out together, not packet by packet

  /// The most that TCP sends in one packet.
  std::uint32_t segment_bytes() const { return mtu - header_bytes; }

  /// skink-edge on Linux: TCP timestamps, TLS 1.3 with AES-GCM.
  static LinkProfile host() { return {}; }
  /// The firmware: lwIP, no TCP options; TLS 1.2 with AES-GCM and records of 2 KB (firmware/net/config).
  static LinkProfile microcontroller() {
    return {1500, 40, 29, 2048, Acknowledging::kLwip, /*publishes_in_two=*/true, /*sends_by_turns=*/true};
  }
};

// ---- parts ----------------------------------------------------------------------------------------------------------
// Each stands alone: before and after it nothing is said for so long that nothing is acknowledged on the way.

/// PUBLISH from the device with QoS 1, and the broker's PUBACK.
WireCost publish_up(std::uint32_t topic_bytes, std::uint32_t payload_bytes, const LinkProfile& link = {});

/// PUBLISH from the broker with QoS 1, and the device's PUBACK.
WireCost publish_down(std::uint32_t topic_bytes, std::uint32_t payload_bytes, const LinkProfile& link = {});

/// SUBSCRIBE to one filter with QoS 1, and SUBACK.
WireCost subscribe(std::uint32_t filter_bytes, const LinkProfile& link = {});

/// PINGREQ and PINGRESP: what an idle connection costs in every keep-alive interval.
WireCost keep_alive(const LinkProfile& link = {});

// ---- a device-round -------------------------------------------------------------------------------------------------

/// Retained messages that the device gets by one subscription, which it ends when it has them: a model in chunks, or
/// whatever else the broker keeps for it.
struct Fetch {
  /// One retained message.
  struct Message {
    std::uint32_t topic_bytes = 0;
    std::uint32_t payload_bytes = 0;
  };
  std::uint32_t filter_bytes = 0;  ///< of the topic filter
  std::vector<Message> messages;   ///< as the broker sends them
};

/// The chunks of a model file.
Fetch model_fetch(std::uint32_t fleet_bytes, std::uint32_t model_bytes);

/// A device-round without faults: a task, what is fetched for it, the adaptation, the chunks of the update, the reply.
/// Where a number only decides how many bytes a field of a message takes, any typical one will do.
struct DeviceRound {
  std::uint32_t device_id_bytes = 10;
  std::uint32_t fleet_bytes = 4;
  std::vector<Fetch> fetches;     ///< in order; empty: the device has the model, or makes it from patches
  std::uint32_t patch_bytes = 0;  ///< of the chain of patches that follows the task; 0: none
  std::string uplink = "float32";
  std::uint32_t encoded_bytes = 0;   ///< of the change, >= 1
  std::uint32_t chunk_bytes = 4096;  ///< largest part of it in one message: 4096 on a host, 2048 on the MPS2 board
  // what the messages say
  std::uint32_t model_bytes = 0;  ///< of the model file
  std::uint32_t round = 100;
  std::uint32_t device_index = 100;
  std::uint32_t passes = 1;
  std::uint32_t batch_size = 1;
  float proximal = 0;
  wire::ChangeKind change = wire::ChangeKind::kParameters;
  std::uint32_t frozen = 0;
  std::uint32_t support_samples = 25;
  std::uint32_t time_left_ms = 30000;
};

/// A device-round of an experiment whose device fetches the model, as all do in every round. The encoded change is as
/// long as it can be; support_samples is a guess.
DeviceRound device_round_of(const Experiment& experiment, std::uint32_t device_id_bytes = 10,
                            std::uint32_t fleet_bytes = 4);

/// What a device-round says, message by message, and the birth of a device that has connected.
struct RoundMessages {
  Fetch::Message birth;  ///< with all that a device without releases can say
  Fetch::Message task;
  std::vector<Fetch::Message> patch;  ///< the parts of the chain
  std::vector<Fetch::Message> update;
  Fetch::Message reply;
};

/// Encodes every message. Throws std::invalid_argument as device_round_cost().
RoundMessages round_messages(const DeviceRound& round);

/// Encodes every message, which takes about 10 microseconds and 1.5 more for each KB of the update; DeviceRoundCosts
/// remembers.
///
/// Throws std::invalid_argument for a round that cannot be: no encoded bytes, or names too long.
WireCost device_round_cost(const DeviceRound& round, const LinkProfile& link = {});

/// device_round_cost() of rounds that differ in the length of the encoded change only, each length computed once. One
/// for each thread.
class DeviceRoundCosts {
 public:
  /// Throws as device_round_cost().
  explicit DeviceRoundCosts(DeviceRound round, const LinkProfile& link = {});
  /// The round with a change of so many bytes. Valid until the next call.
  const WireCost& with(std::uint32_t encoded_bytes);

 private:
  DeviceRound round_;
  LinkProfile link_;
  std::unordered_map<std::uint32_t, WireCost> known_;
};

}  // namespace skink::simulations
