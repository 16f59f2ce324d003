#pragma once
/// @file
/// The one network interface: address by DHCP, names by DNS, time by SNTP; all of lwIP's life. Poll it from the main
/// loop.

#include <lwip/ip_addr.h>

#include "skink/common/span.hpp"
#include "skink/common/status.hpp"

namespace skink::firmware::network {

/// Starts lwIP and DHCP. Call once, before anything else of lwIP.
///
/// @returns kOk; kUnavailable when the board has no entropy, without which nothing is started; kUnsupported when the
///          network chip does not answer, or is another.
Status start() noexcept;

/// Takes frames in and runs lwIP's timers. @returns how many frames came.
int poll() noexcept;

/// When poll() wants to be called again if no frame comes (port::now_ms()); all ones: only when one does.
uint64_t next_wake_ms() noexcept;

/// Before a long sleep: sends the acknowledgements that lwIP keeps back for its next timer.
///
/// @returns true when no timer of lwIP's is needed until something comes or is sent: no segment is unacknowledged, no
///          connection closes, no name is asked for, and the address is leased; the lease's own timer wants poll() once
///          a minute.
bool settle() noexcept;

/// After a sleep in which poll() was not called: the lease is so much older, and is renewed or given back where that is
/// due. @param[in] slept_ms  how long it was; of more than a week a week counts
void make_up_for(uint64_t slept_ms) noexcept;

/// True once there is an address.
bool is_up() noexcept;

/// Asks for the address of a host, one at a time. Call again with the same host until it is not kUnsupported.
///
/// @param[in]  host     a name or a dotted number, zero-terminated; borrowed until the answer
/// @param[out] address  set on kOk
/// @returns kOk; kUnsupported: not yet, ask again; kUnavailable: there is no such host, or no DNS server answers; ask
///          again later.
Status resolve(const char* host, ip_addr_t& address) noexcept;

}  // namespace skink::firmware::network
