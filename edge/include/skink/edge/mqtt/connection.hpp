#pragma once
/// @file
/// MQTT 3.1.1 for a device, as a state machine without I/O: bytes of a stream go in and come out, events come out, time
/// goes in. Clean sessions, QoS 0 and 1, one publication in flight; payloads stream in both directions, so a message
/// may be larger than all of the device's memory. No heap, some 700 bytes. Standard: MQTT Version 3.1.1, OASIS
/// Standard, 29 October 2014; its section numbers stand in the sources. Why not lwIP's own client:
/// docs/adr/0005-own-mqtt-client.md.
///
/// A port's loop, once the stream is up and open() was called:
///   1. write output() to the stream, tell sent() how much went
///   2. read from the stream; while there is input: receive(input, event), handle the event
///   3. on_time(now); when a call says kDamaged or kUnavailable, close the stream: problem() has the reason
///
/// Not thread-safe and not ISR-safe. `now_ms` is any monotonic clock.

#include <stddef.h>
#include <stdint.h>

#include "skink/common/span.hpp"
#include "skink/common/status.hpp"
#include "skink/edge/mqtt/mqtt_config.hpp"

namespace skink::edge::mqtt {

/// Does the broker keep a message for later subscribers (3.3.1.3)?
enum class Retain : uint8_t { kNo, kYes };

struct Will {
  Span<const char> topic;
  Bytes payload;
  Retain retain = Retain::kNo;
};

/// Everything is borrowed until kConnected or the end of the connection.
struct ConnectOptions {
  Span<const char> client_id;
  uint16_t keep_alive_s = 60;  ///< 0: none
  const Will* will = nullptr;  ///< QoS 1
};

enum class EventKind : uint8_t {
  kNone,  ///< the input is used up
  kConnected,
  kSubscribed,    ///< packet_id; is_granted
  kUnsubscribed,  ///< packet_id
  kPublished,     ///< packet_id: the payload may change now
  kMessage,       ///< a piece of a message
};

struct Event {
  EventKind kind = EventKind::kNone;
  uint16_t packet_id = 0;
  bool is_granted = false;
  // kMessage; views are good until the next call of receive()
  Span<const char> topic;
  uint32_t total_bytes = 0;  ///< of the payload
  uint32_t offset = 0;       ///< of this piece
  Bytes piece;
  bool is_last = false;
  bool retained = false;
};

enum class Problem : uint8_t {
  kNone,
  kProtocol,  ///< bytes that no broker may send
  kRefused,   ///< CONNACK says no, see return_code()
  kConnackLate,
  kPingLate,
  kPubackLate,
};
const char* problem_text(Problem problem) noexcept;

class Connection {
 public:
  static constexpr uint64_t kNever = ~uint64_t{0};

  /// Forgets everything and queues a CONNECT. The will must fit in the header buffer: kBufferTooSmall otherwise.
  Status open(const ConnectOptions& options, uint64_t now_ms) noexcept;

  /// The stream is closed: forgets everything, as a new object.
  void reset() noexcept;

  bool is_connected() const noexcept { return phase_ == Phase::kConnected; }
  Problem problem() const noexcept { return problem_; }
  /// Of a refusal (3.2.2.3): 1 version, 2 client id, 3 unavailable, 4 user name or password, 5 not authorized.
  uint8_t return_code() const noexcept { return return_code_; }
  /// Messages that were passed over because their topic was too long.
  uint32_t skipped_messages() const noexcept { return skipped_; }

  // ---- out

  /// Each queues one packet. kOk: `packet_id` names it in the event to come. kUnavailable: not connected, or what was
  /// queued before has not left yet; try again after sent(). kInvalidArgument: the topic is empty or too long.
  Status subscribe(Span<const char> topic, uint16_t& packet_id) noexcept;
  Status unsubscribe(Span<const char> topic, uint16_t& packet_id) noexcept;
  /// QoS 1. `payload` is borrowed until kPublished; kUnavailable also while another publication is unanswered.
  Status publish(Span<const char> topic, Bytes payload, Retain retain, uint16_t& packet_id, uint64_t now_ms) noexcept;
  /// Queues a DISCONNECT: the broker then drops the will.
  Status disconnect() noexcept;

  /// The next bytes for the stream; empty: nothing to send.
  Bytes output() const noexcept;
  /// The stream took the first `count` of them.
  void sent(size_t count, uint64_t now_ms) noexcept;

  // ---- in

  /// Takes bytes off the front of `input` up to the end of one event, or of a message that is passed over. Call until
  /// `input` is empty. A QoS 1 message is acknowledged as its last piece is handed out.
  ///
  /// @returns kOk; kBufferTooSmall: acknowledgements wait to be sent, nothing was taken, send output() first;
  ///          kDamaged: a protocol error or a refusal, see problem().
  Status receive(Bytes& input, Event& event, uint64_t now_ms) noexcept;

  // ---- time

  /// Queues pings. @returns kOk, or kUnavailable when the broker is silent, see problem().
  Status on_time(uint64_t now_ms) noexcept;
  uint64_t next_wake_ms() const noexcept;

 private:
  enum class Phase : uint8_t { kClosed, kConnecting, kConnected, kFailed };
  enum class Reading : uint8_t { kType, kLength, kTopicLength, kTopic, kPacketId, kPayload, kSkip, kBody };

  static constexpr size_t kHeaderBytes = SKINK_MQTT_TOPIC_BYTES + 16;
  static constexpr size_t kControlBytes = 66;  ///< 16 acknowledgements and a ping

  // packets.cpp
  void begin_packet(uint8_t type, uint32_t remaining) noexcept;
  void put_u16(uint32_t value) noexcept;
  void put_text(const char* text, size_t length) noexcept;
  Status queue_topic_packet(uint8_t type, Span<const char> topic, uint16_t& packet_id) noexcept;
  bool can_queue() const noexcept {
    return phase_ == Phase::kConnected && header_sent_ == header_bytes_ && !payload_left();
  }
  size_t payload_left() const noexcept { return payload_.size() - payload_sent_; }
  uint16_t next_packet_id() noexcept;
  void queue_control(uint8_t type, uint16_t packet_id) noexcept;
  // parse.cpp
  Status fail(Problem problem) noexcept;
  Status read_byte(uint8_t byte, Event& event, uint64_t now_ms) noexcept;
  Status read_type(uint8_t byte) noexcept;
  Status read_length(uint8_t byte) noexcept;
  Status begin_body() noexcept;
  Status begin_topic() noexcept;
  Status begin_payload() noexcept;
  void read_payload(Bytes& input, Event& event) noexcept;
  Status finish_body(Event& event, uint64_t now_ms) noexcept;
  void end_message() noexcept;

  Phase phase_ = Phase::kClosed;
  Problem problem_ = Problem::kNone;
  uint8_t return_code_ = 0;
  uint32_t skipped_ = 0;

  // out: a header, then a payload from the caller's memory; acknowledgements and pings in between packets
  uint8_t header_[kHeaderBytes] = {};
  uint16_t header_bytes_ = 0;
  uint16_t header_sent_ = 0;
  Bytes payload_;
  size_t payload_sent_ = 0;
  uint8_t control_[kControlBytes] = {};
  uint8_t control_bytes_ = 0;
  uint8_t control_sent_ = 0;
  uint16_t last_packet_id_ = 0;
  uint16_t publishing_id_ = 0;  ///< 0: no publication is unanswered

  // in
  Reading reading_ = Reading::kType;
  uint8_t type_ = 0;
  uint8_t length_bytes_ = 0;
  uint32_t left_ = 0;  ///< of the packet
  uint16_t topic_bytes_ = 0;
  uint16_t topic_read_ = 0;
  char topic_[SKINK_MQTT_TOPIC_BYTES] = {};
  uint8_t body_[4] = {};
  uint8_t body_read_ = 0;
  uint16_t incoming_id_ = 0;
  uint32_t total_bytes_ = 0;

  // time
  uint16_t keep_alive_s_ = 0;
  uint64_t last_sent_ms_ = 0;
  uint64_t connack_by_ms_ = kNever;
  uint64_t ping_by_ms_ = kNever;
  uint64_t puback_by_ms_ = kNever;
};

}  // namespace skink::edge::mqtt
