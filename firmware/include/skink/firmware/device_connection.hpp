#pragma once
/// @file
/// What a Device says its messages to: MQTT over a stream or, in builds with SKINK_FIRMWARE_DATAGRAM, messages over
/// datagrams. Both have the same events; calls that only one of them needs do nothing for the other.

#include "skink/edge/mqtt/connection.hpp"

/// 1: a device may speak in datagrams (docs/datagram.md): some 2 KB of RAM more. 0: an image holds none of it.
#ifndef SKINK_FIRMWARE_DATAGRAM
#define SKINK_FIRMWARE_DATAGRAM 0
#endif

#if SKINK_FIRMWARE_DATAGRAM
#include "skink/edge/datagram/node_connection.hpp"
#endif

namespace skink::firmware {

/// What is below a device.
enum class LinkKind : uint8_t {
  kStream,    ///< bytes in order
  kDatagrams  ///< each output is one datagram, each input too
};

/// What a connection begins with; borrowed for its life.
struct ConnectionNames {
  Span<const char> device_id;
  Span<const char> fleet;
  uint16_t keep_alive_s = 0;  ///< of either
  uint16_t session = 1;       ///< of datagrams: another one than the last, never 0
  edge::mqtt::Will will;      ///< of a stream
};

#if SKINK_FIRMWARE_DATAGRAM

/// One of the two. Contracts are those of edge::mqtt::Connection and edge::datagram::Connection, with their statuses
/// from kOk on.
class DeviceConnection {
 public:
  /// One without a session; the rest as the calls of the two: @returns kOk, or as they say kUnavailable,
  /// kInvalidArgument, kBufferTooSmall or kDamaged.
  explicit DeviceConnection(LinkKind link) noexcept : is_stream_(link == LinkKind::kStream) {}
  Status open(const ConnectionNames& names, uint64_t now_ms) noexcept;
  void reset() noexcept {
    stream_.reset();
    datagrams_.reset();
  }
  bool is_connected() const noexcept { return is_stream_ ? stream_.is_connected() : datagrams_.is_connected(); }
  Status receive(Bytes& input, edge::mqtt::Event& event, uint64_t now_ms) noexcept {
    return is_stream_ ? stream_.receive(input, event, now_ms) : datagrams_.receive(input, event, now_ms);
  }
  void on_activity(uint64_t now_ms) noexcept { stream_.on_activity(now_ms); }
  Bytes output(uint64_t now_ms) noexcept { return is_stream_ ? stream_.output() : datagrams_.output(now_ms); }
  void sent(size_t count, uint64_t now_ms) noexcept {
    if (is_stream_) {
      stream_.sent(count, now_ms);
    } else {
      datagrams_.sent(now_ms);
    }
  }
  Status subscribe(Span<const char> topic, uint16_t& packet_id, uint64_t now_ms) noexcept {
    return is_stream_ ? stream_.subscribe(topic, packet_id) : datagrams_.subscribe(topic, packet_id, now_ms);
  }
  Status unsubscribe(Span<const char> topic, uint16_t& packet_id, uint64_t now_ms) noexcept {
    return is_stream_ ? stream_.unsubscribe(topic, packet_id) : datagrams_.unsubscribe(topic, packet_id, now_ms);
  }
  Status publish(Span<const char> topic, Bytes payload, edge::mqtt::Retain retain, uint16_t& packet_id,
                 uint64_t now_ms) noexcept {
    return is_stream_ ? stream_.publish(topic, payload, retain, packet_id, now_ms)
                      : datagrams_.publish(topic, payload, retain, packet_id, now_ms);
  }
  /// Of a stream; datagrams have their own sleep (docs/datagram.md). @returns kOk or kUnavailable
  Status disconnect() noexcept { return is_stream_ ? stream_.disconnect() : Status::kOk; }
  /// Does the session outlast a sleep?
  bool can_doze() const noexcept { return !is_stream_; }
  bool can_sleep() const noexcept { return !is_stream_ && datagrams_.can_sleep(); }
  bool is_asleep() const noexcept { return !is_stream_ && datagrams_.is_asleep(); }
  /// Of datagrams; of more than kMaxSleepS so many. @returns kOk; kUnavailable unless can_sleep()
  Status sleep(uint32_t seconds, uint64_t now_ms) noexcept {
    constexpr uint32_t kLongest = edge::datagram::kMaxSleepS;
    return can_sleep() ? datagrams_.sleep(seconds < kLongest ? seconds : kLongest, now_ms) : Status::kUnavailable;
  }
  Status probe(uint64_t now_ms) noexcept { return is_stream_ ? stream_.probe(now_ms) : datagrams_.probe(now_ms); }
  Status on_time(uint64_t now_ms) noexcept { return is_stream_ ? stream_.on_time(now_ms) : datagrams_.on_time(now_ms); }
  uint64_t next_wake_ms() const noexcept { return is_stream_ ? stream_.next_wake_ms() : datagrams_.next_wake_ms(); }
  const edge::mqtt::Connection& stream() const noexcept { return stream_; }

 private:
  const bool is_stream_;
  edge::mqtt::Connection stream_{};
  edge::datagram::Connection datagrams_{};
};

/// Of either; @returns kOk, or kInvalidArgument or kBufferTooSmall as they say.
inline Status DeviceConnection::open(const ConnectionNames& names, uint64_t now_ms) noexcept {
  if (!is_stream_) return datagrams_.open({names.session, names.keep_alive_s, names.fleet, names.device_id}, now_ms);
  return stream_.open({names.device_id, names.keep_alive_s, &names.will}, now_ms);
}

#else

/// MQTT over a stream. Contracts are those of edge::mqtt::Connection, with their statuses from kOk on.
class DeviceConnection : private edge::mqtt::Connection {
 public:
  /// As the calls of edge::mqtt::Connection: @returns kOk, or as they say kUnavailable, kInvalidArgument,
  /// kBufferTooSmall or kDamaged.
  explicit DeviceConnection(LinkKind /*link*/) noexcept {}
  using Connection::disconnect;
  using Connection::is_connected;
  using Connection::next_wake_ms;
  using Connection::on_activity;
  using Connection::on_time;
  using Connection::probe;
  using Connection::publish;
  using Connection::receive;
  using Connection::reset;
  using Connection::sent;
  Status open(const ConnectionNames& names, uint64_t now_ms) noexcept {
    return Connection::open({names.device_id, names.keep_alive_s, &names.will}, now_ms);
  }
  static constexpr bool can_doze() noexcept { return false; }
  static constexpr bool can_sleep() noexcept { return false; }
  static constexpr bool is_asleep() noexcept { return false; }
  static Status sleep(uint32_t /*seconds*/, uint64_t /*now_ms*/) noexcept { return Status::kUnavailable; }
  Bytes output(uint64_t /*now_ms*/) const noexcept { return Connection::output(); }
  Status subscribe(Span<const char> topic, uint16_t& packet_id, uint64_t /*now_ms*/) noexcept {
    return Connection::subscribe(topic, packet_id);
  }
  Status unsubscribe(Span<const char> topic, uint16_t& packet_id, uint64_t /*now_ms*/) noexcept {
    return Connection::unsubscribe(topic, packet_id);
  }
  const edge::mqtt::Connection& stream() const noexcept { return *this; }
};

#endif

}  // namespace skink::firmware
