/// @file
/// The Stellaris Ethernet controller, polled. Source: LM3S6965 data sheet, chapter 16. Its FIFOs carry a length of two
/// bytes before a frame, which falls exactly into the padding that lwIP leaves there (ETH_PAD_SIZE).

#include <lwip/etharp.h>
#include <lwip/pbuf.h>
#include <string.h>

#include "../cortex-m/cortex_m.hpp"
#include "skink/firmware/net/nic.hpp"

namespace skink::firmware::port {
namespace {

constexpr uintptr_t kBase = 0x40048000;
constexpr uintptr_t kInterruptStatus = 0x00;
constexpr uintptr_t kInterruptMask = 0x04;
constexpr uintptr_t kReceiveControl = 0x08;
constexpr uintptr_t kTransmitControl = 0x0C;
constexpr uintptr_t kData = 0x10;
constexpr uintptr_t kAddress0 = 0x14;
constexpr uintptr_t kAddress1 = 0x18;
constexpr uintptr_t kThreshold = 0x1C;
constexpr uintptr_t kPackets = 0x34;
constexpr uintptr_t kTransmit = 0x38;
constexpr uint32_t kHeaderBytes = 14;
constexpr uint32_t kFrameCheckBytes = 4;
constexpr int kFramesPerPoll = 32;  // the rest at the next poll: a counter that stands still must not hold the device

volatile uint32_t& chip(uintptr_t offset) noexcept { return cortex_m::reg(kBase + offset); }
uint32_t pop(uintptr_t offset) noexcept { return cortex_m::load(kBase + offset); }

err_t send(netif* /*interface*/, pbuf* packet) {
  static_assert(ETH_PAD_SIZE == 2, "the FIFO's length field stands in the padding");
  alignas(4) static uint8_t frame[1520];
  if (packet->tot_len > sizeof frame || (pop(kTransmit) & 1) != 0) return ERR_MEM;  // TCP sends it again
  (void)pbuf_copy_partial(packet, frame, packet->tot_len, 0);
  const uint32_t payload = packet->tot_len - uint32_t{ETH_PAD_SIZE} - kHeaderBytes;
  frame[0] = static_cast<uint8_t>(payload);
  frame[1] = static_cast<uint8_t>(payload >> 8);
  for (uint32_t word = 0; word < (packet->tot_len + 3U) / 4; ++word) {
    uint32_t value = 0;
    memcpy(&value, frame + word * 4, sizeof value);
    chip(kData) = value;
  }
  chip(kTransmit) = 1;
  return ERR_OK;
}

}  // namespace

err_t nic_initialize(netif* interface) noexcept {
  chip(kInterruptMask) = 0;
  chip(kReceiveControl) = 0x10;  // empty the FIFO
  chip(kInterruptStatus) = 0x7F;
  chip(kThreshold) = 0x3F;  // send whole frames only
  if (pop(kAddress0) == 0) {
    chip(kAddress0) = 0x12005452;
    chip(kAddress1) = 0x5634;
  }
  const uint32_t low = pop(kAddress0);
  const uint32_t high = pop(kAddress1);
  for (unsigned i = 0; i < 6; ++i) {
    interface->hwaddr[i] = static_cast<uint8_t>((i < 4 ? low : high) >> (8 * (i % 4)));
  }
  chip(kTransmitControl) = 0x17;  // full duplex, frame check, padding, on
  chip(kReceiveControl) = 0x09;   // drop damaged frames, on
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
  for (int turn = 0; turn < kFramesPerPoll && pop(kPackets) != 0; ++turn) {
    pbuf* packet = frame_buffer();
    if (packet == nullptr) break;
    uint32_t value = pop(kData);
    const uint32_t total = value & 0xffff;  // length field, frame, frame check
    const uint32_t words = (total + 3) / 4;
    const uint32_t bytes = total > kFrameCheckBytes ? total - kFrameCheckBytes : 0;
    for (uint32_t word = 0; word < words; ++word) {
      if (word > 0) value = pop(kData);
      const uint32_t at = word * 4;
      if (at >= packet->len) continue;
      memcpy(static_cast<uint8_t*>(packet->payload) + at, &value, packet->len - at < 4 ? packet->len - at : 4);
    }
    if (bytes == 0 || bytes > packet->len) {
      (void)pbuf_free(packet);
      continue;
    }
    pbuf_realloc(packet, static_cast<u16_t>(bytes));
    ++frames;
    if (interface->input(packet, interface) != ERR_OK) (void)pbuf_free(packet);
  }
  return frames;
}

}  // namespace skink::firmware::port
