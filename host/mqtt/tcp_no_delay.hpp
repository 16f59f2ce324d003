#pragma once
/// @file
/// Paho C (1.3) leaves Nagle's algorithm on and does not give its sockets away: the second of two messages in a row
/// then waits 40 ms for the peer's delayed acknowledgement (eclipse-paho/paho.mqtt.c issue 530). So we look for the
/// sockets.

#include <cstdint>
#include <vector>

namespace skink::mqtt::internal {

/// Sets TCP_NODELAY on all TCP connections of this process to one of the ports. Some 2 microseconds per open file; does
/// nothing where there is no /proc.
void disable_delay(const std::vector<std::uint16_t>& ports) noexcept;

}  // namespace skink::mqtt::internal
