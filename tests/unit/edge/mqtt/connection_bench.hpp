#pragma once
/// @file
/// A broker's side of an MQTT connection, packet by packet.

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "skink/edge/mqtt/connection.hpp"

namespace skink::edge::mqtt {

using Packet = std::vector<std::uint8_t>;

inline Span<const char> text(const std::string& string) { return {string.data(), string.size()}; }
inline Bytes bytes(const Packet& packet) { return {packet.data(), packet.size()}; }

inline Packet operator+(Packet a, const Packet& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

inline Packet with_length(std::uint8_t type, const Packet& body) {
  Packet packet{type};
  std::size_t left = body.size();
  do {
    packet.push_back(static_cast<std::uint8_t>((left & 0x7f) | (left > 0x7f ? 0x80 : 0)));
    left >>= 7;
  } while (left > 0);
  return packet + body;
}

inline Packet message(std::uint8_t flags, const std::string& topic, std::uint16_t id, const Packet& payload) {
  Packet body{static_cast<std::uint8_t>(topic.size() >> 8), static_cast<std::uint8_t>(topic.size())};
  body.insert(body.end(), topic.begin(), topic.end());
  if ((flags & 2) != 0) body = body + Packet{static_cast<std::uint8_t>(id >> 8), static_cast<std::uint8_t>(id)};
  return with_length(static_cast<std::uint8_t>(0x30 | flags), body + payload);
}

inline const Packet kAccepted{0x20, 2, 0, 0};

/// Takes everything that wants to go out, `step` bytes at a time.
inline Packet take_output(Connection& connection, std::size_t step = 1000, std::uint64_t now = 0) {
  Packet sent;
  for (Bytes out = connection.output(); !out.empty(); out = connection.output()) {
    const std::size_t count = std::min(step, out.size());
    sent.insert(sent.end(), out.begin(), out.begin() + count);
    connection.sent(count, now);
  }
  return sent;
}

inline Connection connected(std::uint16_t keep_alive_s = 0) {
  Connection connection;
  ConnectOptions options;
  const std::string id = "pump-1";
  options.client_id = text(id);
  options.keep_alive_s = keep_alive_s;
  REQUIRE(connection.open(options, 0) == Status::kOk);
  (void)take_output(connection);
  Bytes input = bytes(kAccepted);
  Event event;
  REQUIRE(connection.receive(input, event, 0) == Status::kOk);
  REQUIRE(event.kind == EventKind::kConnected);
  return connection;
}

/// Feeds a packet whole and returns what receive() said last.
inline Status feed(Connection& connection, const Packet& packet) {
  Bytes input = bytes(packet);
  Status status = Status::kOk;
  while (status == Status::kOk && !input.empty()) {
    Event event;
    status = connection.receive(input, event, 0);
  }
  return status;
}

}  // namespace skink::edge::mqtt
