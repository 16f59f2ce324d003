#pragma once
/// @file
/// Where a server is, as a command line says it.

#include <cstdint>
#include <string>

#include "skink/host/result.hpp"

namespace skink {

struct NetworkAddress {
  std::string host;  ///< name or address; IPv6 without brackets
  std::uint16_t port = 0;
};

/// "host:port", "[::1]:8883". The error says what is wanted.
Result<NetworkAddress> parse_network_address(const std::string& text);

}  // namespace skink
