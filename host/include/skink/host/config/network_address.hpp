#pragma once
/// @file
/// Where a server is, as a command line says it.

#include <cstdint>
#include <string>

#include "skink/host/result.hpp"

namespace skink {

/// A server's host and TCP port.
struct NetworkAddress {
  std::string host;        ///< name or address; IPv6 without brackets
  std::uint16_t port = 0;  ///< 1..65535
};
inline bool operator==(const NetworkAddress& a, const NetworkAddress& b) {
  return a.host == b.host && a.port == b.port;
}

/// Reads "host:port" or "[::1]:8883". The host is not looked up.
/// @returns kInvalidArgument for anything else; the message says what is wanted.
Result<NetworkAddress> parse_network_address(const std::string& text);

}  // namespace skink
