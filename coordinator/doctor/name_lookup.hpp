#pragma once
/// @file
/// A server's addresses, and whether a port is open. Private to the doctor.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "skink/host/result.hpp"

namespace skink::doctor {

/// An address as the system's calls take it, and as people read it.
struct ServerAddress {
  std::vector<std::uint8_t> socket_address;
  int family = 0;
  std::string text;
};

/// @returns kUnavailable when the name has no address.
Result<std::vector<ServerAddress>> look_up(const std::string& host, std::uint16_t port);

/// Connects and closes again. @returns kUnavailable, with why, when nobody answers in time.
Result<void> try_port(const ServerAddress& address, std::chrono::milliseconds wait);

}  // namespace skink::doctor
