#pragma once
/// @file
/// The wall clock that certificates are checked by: the board's own where it has one, else SNTP (RFC 4330). mbedTLS
/// reads it through this file.

#include <lwip/ip_addr.h>

#include <stdint.h>

namespace skink::firmware::clock {

/// Sets the time to what the board's clock says. False: it has none; the time must come from the network.
bool read_board() noexcept;

/// Begins to ask a time server, and goes on every hour; is_set() once it has answered. After network::start().
///
/// @param[in] server  copied
/// @param[in] port    UDP; 123 by default
void ask(const ip_addr_t& server, uint16_t port) noexcept;

/// Forgets the time, and asks no more: it may be wrong.
void forget() noexcept;

/// Has the time been set since the reset?
bool is_set() noexcept;

/// Seconds since 1970; 0 while the time is not known, which no certificate is valid at.
int64_t now_s() noexcept;

}  // namespace skink::firmware::clock
