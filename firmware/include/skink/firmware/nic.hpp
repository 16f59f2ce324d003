#pragma once
/// @file
/// The network interface of a board, for lwIP without an operating system. See port.hpp.

#include <lwip/err.h>
#include <lwip/netif.h>

namespace skink::firmware::port {

/// For netif_add: sets hwaddr, mtu, flags, output and linkoutput. ERR_IF: there is no such chip.
err_t nic_initialize(netif* interface) noexcept;

/// Hands every frame that has arrived to interface->input. @returns how many.
int nic_poll(netif* interface) noexcept;

}  // namespace skink::firmware::port
