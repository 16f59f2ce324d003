/// @file
/// What goes out: packets and their order, deadlines.

#include <string.h>

#include "packet_types.hpp"
#include "skink/edge/mqtt/connection.hpp"

namespace skink::edge::mqtt {

const char* problem_text(Problem problem) noexcept {
  switch (problem) {
    case Problem::kNone: return "none";
    case Problem::kProtocol: return "the broker sent what is no MQTT 3.1.1";
    case Problem::kRefused: return "the broker refused the connection";
    case Problem::kConnackLate: return "the broker did not answer the connection in time";
    case Problem::kPingLate: return "the broker did not answer a ping in time";
    case Problem::kPubackLate: return "the broker did not acknowledge a publication in time";
  }
  return "unknown";
}

void Connection::begin_packet(uint8_t type, uint32_t remaining) noexcept {
  header_bytes_ = 0;
  header_sent_ = 0;
  payload_ = {};
  payload_sent_ = 0;
  header_[header_bytes_++] = type;
  do {  // 2.2.3: seven bits a byte, the lowest first
    const auto bits = static_cast<uint8_t>(remaining & 0x7f);
    remaining >>= 7;
    header_[header_bytes_++] = static_cast<uint8_t>(bits | (remaining != 0 ? 0x80 : 0));
  } while (remaining != 0);
}

void Connection::put_u16(uint32_t value) noexcept {
  header_[header_bytes_++] = static_cast<uint8_t>(value >> 8);
  header_[header_bytes_++] = static_cast<uint8_t>(value);
}

void Connection::put_text(const char* text, size_t length) noexcept {
  put_u16(static_cast<uint32_t>(length));
  if (length > 0) memcpy(header_ + header_bytes_, text, length);  // of nothing the address may be null
  header_bytes_ = static_cast<uint16_t>(header_bytes_ + length);
}

uint16_t Connection::next_packet_id() noexcept {
  if (++last_packet_id_ == 0) last_packet_id_ = 1;  // [MQTT-2.3.1-1]: never 0
  return last_packet_id_;
}

void Connection::reset() noexcept { *this = Connection(); }

Status Connection::open(const ConnectOptions& options, uint64_t now_ms) noexcept {
  reset();
  const Will* will = options.will;
  size_t remaining = 10 + 2 + options.client_id.size();
  if (will != nullptr) remaining += 4 + will->topic.size() + will->payload.size();
  if (remaining + 3 > kHeaderBytes) return Status::kBufferTooSmall;
  // 3.1.2.3: clean session, will with QoS 1
  constexpr uint8_t kCleanSession = 0x02;
  constexpr uint8_t kWillQos1 = 0x0c;
  constexpr uint8_t kWillRetain = 0x20;
  uint8_t flags = kCleanSession;
  if (will != nullptr)
    flags = static_cast<uint8_t>(flags | kWillQos1 | (will->retain == Retain::kYes ? kWillRetain : 0));
  begin_packet(kConnect, static_cast<uint32_t>(remaining));
  put_text("MQTT", 4);
  header_[header_bytes_++] = 4;  // 3.1.2.2: the level of 3.1.1
  header_[header_bytes_++] = flags;
  put_u16(options.keep_alive_s);
  put_text(options.client_id.data(), options.client_id.size());
  if (will != nullptr) {
    put_text(will->topic.data(), will->topic.size());
    put_text(reinterpret_cast<const char*>(will->payload.data()), will->payload.size());
  }
  phase_ = Phase::kConnecting;
  keep_alive_s_ = options.keep_alive_s;
  last_sent_ms_ = now_ms;
  connack_by_ms_ = now_ms + SKINK_MQTT_ANSWER_MS;
  return Status::kOk;
}

Status Connection::queue_topic_packet(uint8_t type, Span<const char> topic, uint16_t& packet_id) noexcept {
  if (topic.empty() || topic.size() > SKINK_MQTT_TOPIC_BYTES) return Status::kInvalidArgument;
  if (!can_queue()) return Status::kUnavailable;
  const size_t quality = type == kSubscribe ? 1 : 0;
  packet_id = next_packet_id();
  begin_packet(type, static_cast<uint32_t>(2 + 2 + topic.size() + quality));
  put_u16(packet_id);
  put_text(topic.data(), topic.size());
  if (quality != 0) header_[header_bytes_++] = 1;  // QoS 1
  return Status::kOk;
}

Status Connection::subscribe(Span<const char> topic, uint16_t& packet_id) noexcept {
  return queue_topic_packet(kSubscribe, topic, packet_id);
}

Status Connection::unsubscribe(Span<const char> topic, uint16_t& packet_id) noexcept {
  return queue_topic_packet(kUnsubscribe, topic, packet_id);
}

Status Connection::publish(Span<const char> topic, Bytes payload, Retain retain, uint16_t& packet_id,
                           uint64_t now_ms) noexcept {
  const size_t head = 2 + topic.size() + 2;
  if (topic.empty() || topic.size() > SKINK_MQTT_TOPIC_BYTES || payload.size() > kMaxRemaining - head) {
    return Status::kInvalidArgument;
  }
  if (!can_queue() || publishing_id_ != 0) return Status::kUnavailable;
  packet_id = next_packet_id();
  publishing_id_ = packet_id;
  puback_by_ms_ = now_ms + SKINK_MQTT_ANSWER_MS;
  begin_packet(static_cast<uint8_t>(kPublish | kQos1 | (retain == Retain::kYes ? kRetain : 0)),
               static_cast<uint32_t>(head + payload.size()));
  put_text(topic.data(), topic.size());
  put_u16(packet_id);
  payload_ = payload;
  return Status::kOk;
}

Status Connection::disconnect() noexcept {
  if (!can_queue()) return Status::kUnavailable;
  begin_packet(kDisconnect, 0);
  return Status::kOk;
}

Status Connection::probe(uint64_t now_ms) noexcept {
  if (!is_connected()) return Status::kUnavailable;
  if (!queue_ping(now_ms)) return Status::kUnavailable;
  probe_ = pings_;
  return Status::kOk;
}

/// False: no room.
bool Connection::queue_ping(uint64_t now_ms) noexcept {
  if (control_bytes_ + 2U > kControlBytes || pings_ == UINT8_MAX) return false;
  queue_control(kPingRequest, 0);
  ++pings_;
  if (ping_by_ms_ == kNever) ping_by_ms_ = now_ms + SKINK_MQTT_ANSWER_MS;
  return true;
}

void Connection::on_activity(uint64_t now_ms) noexcept {
  if (ping_by_ms_ != kNever) ping_by_ms_ = now_ms + SKINK_MQTT_ANSWER_MS;
  if (puback_by_ms_ != kNever) puback_by_ms_ = now_ms + SKINK_MQTT_ANSWER_MS;
}

/// There is room: receive() takes nothing while there is not, and pings look for it.
void Connection::queue_control(uint8_t type, uint16_t packet_id) noexcept {
  control_[control_bytes_++] = type;
  control_[control_bytes_++] = type == kPuback ? 2 : 0;
  if (type != kPuback) return;
  control_[control_bytes_++] = static_cast<uint8_t>(packet_id >> 8);
  control_[control_bytes_++] = static_cast<uint8_t>(packet_id);
}

Bytes Connection::output() const noexcept {
  if (phase_ != Phase::kConnecting && phase_ != Phase::kConnected) return {};
  if (control_sent_ > 0) return {control_ + control_sent_, static_cast<size_t>(control_bytes_ - control_sent_)};
  const bool is_inside_packet = header_sent_ > 0 && (header_sent_ < header_bytes_ || payload_left() > 0);
  if (!is_inside_packet && control_bytes_ > 0 && phase_ == Phase::kConnected) return {control_, control_bytes_};
  if (header_sent_ < header_bytes_) return {header_ + header_sent_, static_cast<size_t>(header_bytes_ - header_sent_)};
  return payload_.subspan(payload_sent_);
}

void Connection::sent(size_t count, uint64_t now_ms) noexcept {
  const Bytes bytes = output();
  if (count == 0 || bytes.empty()) return;
  if (count > bytes.size()) count = bytes.size();
  last_sent_ms_ = now_ms;
  if (bytes.data() >= control_ && bytes.data() < control_ + kControlBytes) {
    control_sent_ = static_cast<uint8_t>(control_sent_ + count);
    if (control_sent_ == control_bytes_) control_sent_ = control_bytes_ = 0;
  } else if (header_sent_ < header_bytes_) {
    header_sent_ = static_cast<uint16_t>(header_sent_ + count);
  } else {
    payload_sent_ += count;
  }
  if (publishing_id_ != 0) puback_by_ms_ = now_ms + SKINK_MQTT_ANSWER_MS;  // a slow stream is not a silent broker
}

// ---- time -----------------------------------------------------------------------------------------------------------

Status Connection::on_time(uint64_t now_ms) noexcept {
  if (phase_ != Phase::kConnecting && phase_ != Phase::kConnected) return Status::kOk;
  Problem problem = Problem::kNone;
  if (now_ms >= connack_by_ms_) problem = Problem::kConnackLate;
  if (now_ms >= ping_by_ms_ || pings_ == UINT8_MAX) problem = Problem::kPingLate;
  if (now_ms >= puback_by_ms_) problem = Problem::kPubackLate;
  if (problem != Problem::kNone) {
    (void)fail(problem);
    return Status::kUnavailable;
  }
  // Also while another one is unanswered: on a slow link its answer may be far behind, and the broker counts the time.
  const bool is_idle = keep_alive_s_ != 0 && now_ms - last_sent_ms_ >= uint64_t{keep_alive_s_} * 500;
  if (is_connected() && is_idle && control_bytes_ == 0) (void)queue_ping(now_ms);
  return Status::kOk;
}

uint64_t Connection::next_wake_ms() const noexcept {
  if (phase_ != Phase::kConnecting && phase_ != Phase::kConnected) return kNever;
  uint64_t wake = connack_by_ms_ < puback_by_ms_ ? connack_by_ms_ : puback_by_ms_;
  if (ping_by_ms_ < wake) wake = ping_by_ms_;
  if (keep_alive_s_ == 0 || control_bytes_ != 0 || !is_connected()) return wake;
  const uint64_t ping = last_sent_ms_ + uint64_t{keep_alive_s_} * 500;
  return ping < wake ? ping : wake;
}

}  // namespace skink::edge::mqtt
