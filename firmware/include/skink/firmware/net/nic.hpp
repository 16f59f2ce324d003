#pragma once
/// @file
/// The network interface of a board, for lwIP without an operating system. See port.hpp.

#include <lwip/err.h>
#include <lwip/netif.h>
#include <lwip/opt.h>
#include <lwip/pbuf.h>

namespace skink::firmware::port {

/// The driver's initialization, for netif_add: sets hwaddr, mtu, flags, output and linkoutput. ERR_IF: there is no such
/// chip.
err_t nic_initialize(netif* interface) noexcept;

/// Hands every frame that has arrived to interface->input. Called from the main loop. @returns how many.
int nic_poll(netif* interface) noexcept;

inline constexpr u16_t kMaxFrameBytes = 1514;  ///< without frame check

/// Memory for any frame with its padding, in one piece; cut it with pbuf_realloc() once its length is known. Null while
/// all of it holds what the device has not read yet: leave the frame in the chip then. A frame that is dropped comes
/// again, but only after a second or more.
inline pbuf* frame_buffer() noexcept {
  static_assert(PBUF_POOL_BUFSIZE >= kMaxFrameBytes + ETH_PAD_SIZE, "a frame must fit in one piece");
  return pbuf_alloc(PBUF_RAW, kMaxFrameBytes + ETH_PAD_SIZE, PBUF_POOL);
}

}  // namespace skink::firmware::port
