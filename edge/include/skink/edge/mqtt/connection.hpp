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

/// The last will (3.1.2.5): what the broker publishes for a client whose connection ends without a DISCONNECT. QoS 1.
struct Will {
  Span<const char> topic;  ///< 1..65535 bytes of UTF-8
  Bytes payload;           ///< may be empty
  Retain retain = Retain::kNo;
};

/// What CONNECT says (3.1). Everything is borrowed for the call of open() only.
struct ConnectOptions {
  Span<const char> client_id;  ///< 1..23 bytes are taken by every broker, more by most
  uint16_t keep_alive_s = 60;  ///< seconds, 0..65535; 0: no pings. A ping goes out after half of it without a packet.
  const Will* will = nullptr;  ///< null: none
};

/// What came in.
enum class EventKind : uint8_t {
  kNone,          ///< the input is used up
  kConnected,     ///< CONNACK: accepted
  kSubscribed,    ///< SUBACK for packet_id; is_granted
  kUnsubscribed,  ///< UNSUBACK for packet_id
  kPublished,     ///< PUBACK for packet_id: the payload may change now
  kProbed,        ///< PINGRESP to the ping of probe(): what the broker had sent by then has come before it
  kMessage,       ///< a piece of a message
};

/// One event of receive(). Fields of other kinds have their defaults.
struct Event {
  EventKind kind = EventKind::kNone;
  uint16_t packet_id = 0;   ///< as the call gave it that queued the packet
  bool is_granted = false;  ///< false: the broker refuses the subscription
  // kMessage; views are good until the next call of receive()
  Span<const char> topic;    ///< 1..SKINK_MQTT_TOPIC_BYTES bytes, not zero-terminated
  uint32_t total_bytes = 0;  ///< of the payload
  uint32_t offset = 0;       ///< of this piece in the payload; pieces come in order
  Bytes piece;               ///< part of the input
  bool is_last = false;      ///< the payload ends with this piece
  bool retained = false;     ///< the broker had kept it (3.3.1.3)
};

/// Why a connection is of no use any more.
enum class Problem : uint8_t {
  kNone,         ///< it is, or it was never opened
  kProtocol,     ///< bytes that no broker may send
  kRefused,      ///< CONNACK says no, see return_code()
  kConnackLate,  ///< no CONNACK within SKINK_MQTT_ANSWER_MS
  kPingLate,     ///< neither PINGRESP nor any other byte within SKINK_MQTT_ANSWER_MS
  kPubackLate,   ///< neither PUBACK nor any other byte, sent or received, within SKINK_MQTT_ANSWER_MS
};
/// For a person; static storage.
const char* problem_text(Problem problem) noexcept;

/// The client's end of one MQTT connection; open() begins another. Re-entrant for different objects.
class Connection {
 public:
  /// What next_wake_ms() returns while no time matters.
  static constexpr uint64_t kNever = ~uint64_t{0};

  /// Forgets everything and queues a CONNECT with a clean session. Call once the stream is up.
  ///
  /// @returns kOk; kBufferTooSmall when client id, will topic and will payload are longer together than the buffer for
  ///          headers, SKINK_MQTT_TOPIC_BYTES + 16 less some 20 bytes; nothing is queued then.
  Status open(const ConnectOptions& options, uint64_t now_ms) noexcept;

  /// The stream is closed: forgets everything, as a new object.
  void reset() noexcept;

  /// Has the broker accepted this connection, and is there no problem since?
  bool is_connected() const noexcept { return phase_ == Phase::kConnected; }
  /// Why a call said kDamaged or kUnavailable; until reset() or open().
  Problem problem() const noexcept { return problem_; }
  /// Of Problem::kRefused (3.2.2.3): 1 version, 2 client id, 3 unavailable, 4 user name or password, 5 not authorized.
  uint8_t return_code() const noexcept { return return_code_; }
  /// Messages that were passed over because their topic was too long.
  uint32_t skipped_messages() const noexcept { return skipped_; }

  // ---- out

  /// Queues a SUBSCRIBE for one topic filter, QoS 1; the topic is copied.
  ///
  /// @param[in]  topic      1..SKINK_MQTT_TOPIC_BYTES bytes
  /// @param[out] packet_id  names the packet in the event kSubscribed; set on kOk only
  /// @returns kOk; kUnavailable when not connected, or when what was queued before has not left yet: try again after
  ///          sent(); kInvalidArgument for a topic of another length.
  Status subscribe(Span<const char> topic, uint16_t& packet_id) noexcept;
  /// Queues an UNSUBSCRIBE for one topic filter; as subscribe(), with the event kUnsubscribed.
  Status unsubscribe(Span<const char> topic, uint16_t& packet_id) noexcept;
  /// Queues a PUBLISH, QoS 1; the topic is copied.
  ///
  /// @param[in]  payload    borrowed until kPublished or the end of the connection
  /// @param[out] packet_id  names the packet in the event kPublished; set on kOk only
  /// @returns as subscribe(); kUnavailable also while another publication is unanswered, kInvalidArgument also for a
  ///          payload beyond the 256 MB of a packet (2.2.3).
  Status publish(Span<const char> topic, Bytes payload, Retain retain, uint16_t& packet_id, uint64_t now_ms) noexcept;
  /// Queues a ping whose answer is the event kProbed. A stream keeps the order, so what has not come by then is not on
  /// its way. @returns kOk, of several the last one counts; kUnavailable
  /// when not connected, or when acknowledgements wait to be sent.
  Status probe(uint64_t now_ms) noexcept;
  /// Queues a DISCONNECT: the broker then drops the will. @returns kOk, or kUnavailable as subscribe().
  Status disconnect() noexcept;

  /// The next bytes for the stream, borrowed until the next call that is not const; empty: nothing to send.
  Bytes output() const noexcept;
  /// The stream took the first `count` bytes of output().
  void sent(size_t count, uint64_t now_ms) noexcept;

  // ---- in

  /// Takes bytes off the front of `input` up to the end of one event, or of a message that is passed over. Call until
  /// `input` is empty. A QoS 1 message is acknowledged as its last piece is handed out. Any bytes may come.
  ///
  /// @param[in,out] input  what was read from the stream; the bytes that are left
  /// @param[out]    event  kNone when the input held no whole event
  /// @returns kOk; kBufferTooSmall: acknowledgements wait to be sent, nothing was taken, send output() first;
  ///          kDamaged: a protocol error or a refusal, see problem().
  Status receive(Bytes& input, Event& event, uint64_t now_ms) noexcept;

  /// Bytes of the stream have come, perhaps not enough of them for receive(), as with half a record of TLS: the broker
  /// is not silent, however long its answers take on a slow link.
  void on_activity(uint64_t now_ms) noexcept;

  // ---- time

  /// Queues a ping when one is due; call when next_wake_ms() has come. @returns kOk, or kUnavailable when the broker is
  /// silent, see problem().
  Status on_time(uint64_t now_ms) noexcept;
  /// When to call on_time(), in the clock of `now_ms`; kNever while no time matters.
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
  bool queue_ping(uint64_t now_ms) noexcept;
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
  Status read_length(uint8_t byte, Event& event) noexcept;
  Status begin_body(Event& event) noexcept;
  void end_ping(Event& event) noexcept;
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
  uint8_t pings_ = 0;           ///< unanswered
  uint8_t probe_ = 0;           ///< after so many answers the one of probe() is there; 0: it was not called

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
