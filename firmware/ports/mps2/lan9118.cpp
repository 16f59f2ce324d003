/// @file
/// SMSC LAN9118 on a 32-bit bus, polled; its interrupt only ends a sleep. Source: SMSC LAN9118 data sheet,
/// revision 1.5.

#include <lwip/etharp.h>
#include <lwip/pbuf.h>
#include <string.h>

#include "../cortex-m/cortex_m.hpp"
#include "board_map.hpp"
#include "skink/firmware/net/nic.hpp"
#include "skink/firmware/wait.hpp"

namespace skink::firmware::port {
namespace {

constexpr uintptr_t kRxData = 0x00;
constexpr uintptr_t kTxData = 0x20;
constexpr uintptr_t kRxStatus = 0x40;
constexpr uintptr_t kTxStatus = 0x48;
constexpr uintptr_t kInterruptConfig = 0x54;
constexpr uintptr_t kInterruptStatus = 0x58;
constexpr uintptr_t kInterruptEnable = 0x5C;
constexpr uintptr_t kByteTest = 0x64;
constexpr uintptr_t kFifoInterrupts = 0x68;
constexpr uintptr_t kRxConfig = 0x6C;
constexpr uintptr_t kTxConfig = 0x70;
constexpr uintptr_t kHwConfig = 0x74;
constexpr uintptr_t kRxFifo = 0x7C;
constexpr uintptr_t kTxFifo = 0x80;
constexpr uintptr_t kMacCommand = 0xA4;
constexpr uintptr_t kMacData = 0xA8;
constexpr uint32_t kMacBusy = 0x80000000;
constexpr uint32_t kMacRead = 0x40000000;
constexpr uint32_t kMacControl = 1;
constexpr uint32_t kMacAddressHigh = 2;
constexpr uint32_t kMacAddressLow = 3;
constexpr uint32_t kFrameCheckBytes = 4;
constexpr uint32_t kFrameThere = 1U << 3;  // more frames than the level of kFifoInterrupts says
constexpr uint32_t kPolls = 100'000;       // a reset takes microseconds, an access to the MAC less
constexpr int kFramesPerPoll = 32;  // the rest at the next poll: a counter that stands still must not hold the device

volatile uint32_t& chip(uintptr_t offset) noexcept { return cortex_m::reg(board_map::kEthernet + offset); }
uint32_t pop(uintptr_t offset) noexcept { return cortex_m::load(board_map::kEthernet + offset); }

bool has_frame() noexcept { return ((pop(kRxFifo) >> 16) & 0xff) != 0; }

bool mac_access(uint32_t command) noexcept {
  chip(kMacCommand) = kMacBusy | command;
  return wait_until(kPolls, [] { return (pop(kMacCommand) & kMacBusy) == 0; });
}

bool mac_read(uint32_t index, uint32_t& value) noexcept {
  const bool is_read = mac_access(kMacRead | index);
  value = pop(kMacData);
  return is_read;
}

bool mac_write(uint32_t index, uint32_t value) noexcept {
  chip(kMacData) = value;
  return mac_access(index);
}

err_t send(netif* /*interface*/, pbuf* packet) {
  alignas(4) static uint8_t frame[1520];
  if (packet->tot_len > sizeof frame) return ERR_BUF;
  // lwIP puts ETH_PAD_SIZE bytes before the frame; the chip's start offset skips them.
  const uint32_t bytes = packet->tot_len - uint32_t{ETH_PAD_SIZE};
  (void)pbuf_copy_partial(packet, frame, packet->tot_len, 0);
  if ((pop(kTxFifo) & 0xffff) < bytes + 16) return ERR_MEM;         // TCP sends it again
  chip(kTxData) = (uint32_t{ETH_PAD_SIZE} << 16) | 0x3000 | bytes;  // offset, first and last segment, size
  chip(kTxData) = bytes;
  for (uint32_t word = 0; word < (packet->tot_len + 3U) / 4; ++word) {
    uint32_t value = 0;
    memcpy(&value, frame + word * 4, sizeof value);
    chip(kTxData) = value;
  }
  for (uint32_t sent = (pop(kTxFifo) >> 16) & 0xff; sent > 0; --sent) (void)pop(kTxStatus);
  return ERR_OK;
}

/// Takes one frame out of the FIFO, as much of it as there is room for.
void take_frame(pbuf* packet, uint32_t words) noexcept {
  auto* to = static_cast<uint8_t*>(packet->payload);
  for (uint32_t done = 0; words > 0; done += 4, --words) {
    const uint32_t value = pop(kRxData);
    if (done >= packet->len) continue;
    memcpy(to + done, &value, packet->len - done < 4 ? packet->len - done : 4);
  }
}

}  // namespace

err_t nic_initialize(netif* interface) noexcept {
  if (pop(kByteTest) != 0x87654321) return ERR_IF;
  chip(kHwConfig) = 1;  // reset
  if (!wait_until(kPolls, [] { return (pop(kHwConfig) & 1) == 0; })) return ERR_IF;
  chip(kHwConfig) = 0x00050000;
  chip(kInterruptEnable) = 0;
  chip(kInterruptConfig) = 0x111;  // on, active high, push-pull
  chip(kFifoInterrupts) = 0;       // with the first frame
  cortex_m::enable_interrupt(board_map::kEthernetInterrupt);
  chip(kRxConfig) = uint32_t{ETH_PAD_SIZE} << 8;  // frames two bytes later: the IP header is word aligned
  chip(kTxConfig) = 0xC000;                       // drop what is queued
  chip(kTxConfig) = 2;                            // on
  uint32_t low = 0;
  uint32_t high = 0;
  if (!mac_read(kMacAddressLow, low) || !mac_read(kMacAddressHigh, high)) return ERR_IF;
  for (unsigned i = 0; i < 6; ++i) {
    interface->hwaddr[i] = static_cast<uint8_t>((i < 4 ? low : high) >> (8 * (i % 4)));
  }
  if (!mac_write(kMacControl, (1U << 20) | (1U << 3) | (1U << 2))) return ERR_IF;  // full duplex, send, receive
  interface->name[0] = 'e';
  interface->name[1] = 'n';
  interface->hwaddr_len = 6;
  interface->mtu = 1500;
  interface->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP;
  interface->output = &etharp_output;
  interface->linkoutput = &send;
  return ERR_OK;
}

int nic_poll(netif* interface) noexcept {
  int frames = 0;
  for (int turn = 0; turn < kFramesPerPoll && has_frame(); ++turn) {
    pbuf* packet = frame_buffer();
    if (packet == nullptr) break;
    const uint32_t status = pop(kRxStatus);
    const uint32_t with_check = (status >> 16) & 0x3fff;
    take_frame(packet, (with_check + uint32_t{ETH_PAD_SIZE} + 3) / 4);
    const bool is_damaged = (status & 0x8000) != 0;
    if (is_damaged || with_check <= kFrameCheckBytes || with_check > kMaxFrameBytes + kFrameCheckBytes) {
      (void)pbuf_free(packet);
      continue;
    }
    pbuf_realloc(packet, static_cast<u16_t>(with_check - kFrameCheckBytes + uint32_t{ETH_PAD_SIZE}));
    ++frames;
    if (interface->input(packet, interface) != ERR_OK) (void)pbuf_free(packet);
  }
  chip(kInterruptStatus) = kFrameThere;
  chip(kInterruptEnable) = kFrameThere;
  if (has_frame()) cortex_m::request_turn();  // it came before, or there was no room for it
  return frames;
}

}  // namespace skink::firmware::port

extern "C" void Ethernet_Handler() {
  using namespace skink::firmware;
  port::chip(port::kInterruptEnable) = 0;  // until nic_poll() has taken the frames
  cortex_m::request_turn();
}
