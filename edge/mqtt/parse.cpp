/// @file
/// What comes in. The broker's bytes are not trusted: every length and reserved bit that the standard fixes is checked,
/// and any bytes give an event or a problem.

#include <string.h>

#include "packet_types.hpp"
#include "skink/edge/mqtt/connection.hpp"

namespace skink::edge::mqtt {
namespace {

/// Length of the packets of fixed length; 0 for others.
uint32_t fixed_length(uint8_t type) noexcept {
  switch (type) {
    case kConnack:
    case kPuback:
    case kUnsuback: return 2;
    case kSuback: return 3;  // one topic a packet
    default: return 0;
  }
}

bool is_publish(uint8_t type) noexcept { return (type & 0xf0) == kPublish; }

}  // namespace

Status Connection::fail(Problem problem) noexcept {
  problem_ = problem;
  phase_ = Phase::kFailed;
  return Status::kDamaged;
}

Status Connection::receive(Bytes& input, Event& event, uint64_t now_ms) noexcept {
  event = {};
  if (!input.empty()) on_activity(now_ms);
  if (phase_ != Phase::kConnecting && phase_ != Phase::kConnected) return Status::kDamaged;
  if (control_bytes_ + 4U > kControlBytes) return Status::kBufferTooSmall;  // room for the one that may fall due here
  while (!input.empty() && event.kind == EventKind::kNone) {
    if (reading_ != Reading::kPayload && reading_ != Reading::kSkip) {
      const uint8_t byte = input[0];
      input = input.subspan(1);
      const Status status = read_byte(byte, event, now_ms);
      if (status != Status::kOk) return status;
    }
    if (left_ > 0 && input.empty()) break;  // an empty message is one event too
    const bool is_passed_over = reading_ == Reading::kSkip;
    if (is_passed_over || reading_ == Reading::kPayload) read_payload(input, event);
    if (is_passed_over) {
      event = {};
      break;
    }
  }
  return Status::kOk;
}

/// A byte of anything but a payload.
Status Connection::read_byte(uint8_t byte, Event& event, uint64_t now_ms) noexcept {
  switch (reading_) {
    case Reading::kType: return read_type(byte);
    case Reading::kLength: return read_length(byte, event);
    case Reading::kTopicLength:
      topic_bytes_ = static_cast<uint16_t>((topic_bytes_ << 8) | byte);
      return ++body_read_ < 2 ? Status::kOk : begin_topic();
    case Reading::kTopic:
      if (topic_read_ < SKINK_MQTT_TOPIC_BYTES) topic_[topic_read_] = static_cast<char>(byte);
      if (++topic_read_ < topic_bytes_) return Status::kOk;
      body_read_ = 0;
      incoming_id_ = 0;
      reading_ = Reading::kPacketId;
      return (type_ & kQos1) == 0 ? begin_payload() : Status::kOk;
    case Reading::kPacketId:
      incoming_id_ = static_cast<uint16_t>((incoming_id_ << 8) | byte);
      if (++body_read_ < 2) return Status::kOk;
      left_ -= 2;
      return incoming_id_ == 0 ? fail(Problem::kProtocol) : begin_payload();  // [MQTT-2.3.1-1]
    case Reading::kBody:
      body_[body_read_++] = byte;
      return body_read_ == left_ ? finish_body(event, now_ms) : Status::kOk;
    case Reading::kPayload:
    case Reading::kSkip: break;
  }
  return Status::kOk;
}

/// 4.7.3: at least one character; what follows must fit in the packet.
Status Connection::begin_topic() noexcept {
  const uint32_t id_bytes = (type_ & kQos1) != 0 ? 2 : 0;
  if (topic_bytes_ == 0 || left_ < 2U + topic_bytes_ + id_bytes) return fail(Problem::kProtocol);
  left_ -= 2U + topic_bytes_;
  topic_read_ = 0;
  reading_ = Reading::kTopic;
  return Status::kOk;
}

/// 2.2.2: reserved flags must be what the standard says; a broker sends none of a client's packets.
Status Connection::read_type(uint8_t byte) noexcept {
  const bool is_message = is_publish(byte) && (byte & 0x06) <= kQos1;  // QoS 2 was never asked for
  const bool is_known = fixed_length(byte) != 0 || byte == kPingResponse || is_message;
  if (!is_known || (phase_ == Phase::kConnecting) != (byte == kConnack)) return fail(Problem::kProtocol);
  type_ = byte;
  left_ = 0;
  length_bytes_ = 0;
  reading_ = Reading::kLength;
  return Status::kOk;
}

Status Connection::read_length(uint8_t byte, Event& event) noexcept {
  left_ |= static_cast<uint32_t>(byte & 0x7f) << (7 * length_bytes_);
  ++length_bytes_;
  if ((byte & 0x80) != 0) return length_bytes_ == 4 ? fail(Problem::kProtocol) : Status::kOk;  // [2.2.3]
  return begin_body(event);
}

Status Connection::begin_body(Event& event) noexcept {
  body_read_ = 0;
  if (is_publish(type_)) {
    topic_bytes_ = 0;
    reading_ = Reading::kTopicLength;
    return left_ < 3 ? fail(Problem::kProtocol) : Status::kOk;
  }
  if (left_ != fixed_length(type_)) return fail(Problem::kProtocol);
  reading_ = Reading::kBody;
  if (type_ == kPingResponse) {
    end_ping(event);
    reading_ = Reading::kType;
  }
  return Status::kOk;
}

/// Answers come in the order of the pings.
void Connection::end_ping(Event& event) noexcept {
  if (pings_ == 0) return;  // nothing that was asked; it harms nobody
  --pings_;
  if (pings_ == 0) ping_by_ms_ = kNever;
  if (probe_ == 0) return;
  --probe_;
  if (probe_ == 0) event.kind = EventKind::kProbed;
}

Status Connection::begin_payload() noexcept {
  total_bytes_ = left_;
  reading_ = Reading::kPayload;
  if (topic_bytes_ <= SKINK_MQTT_TOPIC_BYTES) return Status::kOk;
  ++skipped_;
  reading_ = Reading::kSkip;
  return Status::kOk;
}

void Connection::read_payload(Bytes& input, Event& event) noexcept {
  const size_t count = left_ < input.size() ? left_ : input.size();
  event.kind = EventKind::kMessage;
  event.topic = {topic_, topic_bytes_};
  event.total_bytes = total_bytes_;
  event.offset = total_bytes_ - left_;
  event.piece = input.first(count);
  event.retained = (type_ & kRetain) != 0;
  input = input.subspan(count);
  left_ -= static_cast<uint32_t>(count);
  event.is_last = left_ == 0;
  if (event.is_last) end_message();
}

/// At most once in a call of receive(), which made sure that there is room.
void Connection::end_message() noexcept {
  reading_ = Reading::kType;
  if ((type_ & kQos1) != 0) queue_control(kPuback, incoming_id_);
}

Status Connection::finish_body(Event& event, uint64_t now_ms) noexcept {
  reading_ = Reading::kType;
  const auto packet_id = static_cast<uint16_t>((body_[0] << 8) | body_[1]);
  event.packet_id = packet_id;
  switch (type_) {
    case kConnack:
      // 3.2.2.1, 3.2.2.2: no flag but session present, and no session is present after a clean one
      if (body_[0] != 0) return fail(Problem::kProtocol);
      return_code_ = body_[1];
      if (return_code_ != 0) return fail(return_code_ <= 5 ? Problem::kRefused : Problem::kProtocol);
      event.packet_id = 0;
      event.kind = EventKind::kConnected;
      phase_ = Phase::kConnected;
      connack_by_ms_ = kNever;
      last_sent_ms_ = now_ms;
      return Status::kOk;
    case kSuback:
      if (body_[2] > 2 && body_[2] != 0x80) return fail(Problem::kProtocol);  // [MQTT-3.9.3-2]
      event.kind = EventKind::kSubscribed;
      event.is_granted = body_[2] != 0x80;
      return Status::kOk;
    case kUnsuback: event.kind = EventKind::kUnsubscribed; return Status::kOk;
    default:
      if (packet_id != publishing_id_ || packet_id == 0 || payload_left() > 0 || header_sent_ < header_bytes_) {
        return Status::kOk;  // nothing that was sent; a late answer harms nobody
      }
      publishing_id_ = 0;
      puback_by_ms_ = kNever;
      event.kind = EventKind::kPublished;
      return Status::kOk;
  }
}

}  // namespace skink::edge::mqtt
