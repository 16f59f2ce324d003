/// @file
/// The network: a W5500 on SPI0, for lwIP. The Wi-Fi chip of Pico W and Pico 2 W is not used (docs/pico.md).

#include <hardware/clocks.h>
#include <hardware/gpio.h>
#include <hardware/structs/io_bank0.h>
#include <hardware/structs/spi.h>
#include <netif/etharp.h>
#include <string.h>

#include "ports/cortex-m/cortex_m.hpp"
#include "ports/rp2/rp2.hpp"
#include "ports/w5500/w5500.hpp"
#include "skink/firmware/net/nic.hpp"
#include "skink/firmware/wait.hpp"

namespace skink::firmware::port {
namespace {

constexpr uint32_t kSpiDivisor = 6;     // 20.8 MHz on the RP2040, 25 MHz on the RP2350: wires may be long
constexpr uint32_t kBytePolls = 1000;   // a byte takes 0.4 us
constexpr uint32_t kResetUs = 1000;     // 500 us by the data sheet
constexpr uint32_t kLockedUs = 60'000;  // its PLL: 50 ms by the data sheet
constexpr int kFramesPerPoll = 32;      // the rest at the next poll

// Level low, which is what the chip's line does while a frame waits: 4 bits a pin, the lowest of them.
constexpr unsigned kInterruptWord = rp2::kChipInterrupt / 8;
constexpr uint32_t kLineIsLow = 1U << (rp2::kChipInterrupt % 8 * 4);

volatile uint32_t& line_interrupt() noexcept { return io_bank0_hw->proc0_irq_ctrl.inte[kInterruptWord]; }

/// One byte out and one in.
bool exchange_byte(uint8_t out, uint8_t& in) noexcept {
  spi0_hw->dr = out;
  if (!wait_until(kBytePolls, [] { return (spi0_hw->sr & SPI_SSPSR_RNE_BITS) != 0; })) return false;
  in = static_cast<uint8_t>(spi0_hw->dr);
  return true;
}

Status exchange(void* /*context*/, Bytes header, Bytes out, MutableBytes in) {
  gpio_put(rp2::kSpiSelect, false);
  uint8_t ignored = 0;
  bool is_done = true;
  for (const uint8_t byte : header) is_done = is_done && exchange_byte(byte, ignored);
  for (size_t i = 0; i < out.size() && is_done; ++i) is_done = exchange_byte(out[i], ignored);
  for (size_t i = 0; i < in.size() && is_done; ++i) is_done = exchange_byte(0, in[i]);
  gpio_put(rp2::kSpiSelect, true);
  return is_done ? Status::kOk : Status::kUnavailable;
}

W5500 chip{SpiDevice{nullptr, &exchange}};

void start_pins() noexcept {
  spi0_hw->cpsr = kSpiDivisor;
  spi0_hw->cr0 = 7;  // 8 bits, mode 0, no further divisor
  spi0_hw->cr1 = SPI_SSPCR1_SSE_BITS;
  constexpr unsigned kBus[] = {rp2::kSpiReceive, rp2::kSpiClock, rp2::kSpiSend};
  constexpr unsigned kLines[] = {rp2::kSpiSelect, rp2::kChipReset, rp2::kChipInterrupt};
  for (const unsigned pin : kBus) gpio_set_function(pin, GPIO_FUNC_SPI);
  for (const unsigned pin : kLines) gpio_init(pin);
  gpio_put(rp2::kSpiSelect, true);
  gpio_set_dir(rp2::kSpiSelect, true);
  gpio_put(rp2::kChipReset, false);
  gpio_set_dir(rp2::kChipReset, true);
  gpio_pull_up(rp2::kChipInterrupt);
  rp2::pause_us(kResetUs);
  gpio_put(rp2::kChipReset, true);
  rp2::pause_us(kLockedUs);
}

err_t send(netif* /*interface*/, pbuf* packet) {
  static uint8_t frame[ETH_PAD_SIZE + W5500::kMaxFrameBytes];
  if (packet->tot_len > sizeof frame) return ERR_BUF;
  (void)pbuf_copy_partial(packet, frame, packet->tot_len, 0);
  const Status status = chip.send({frame + ETH_PAD_SIZE, packet->tot_len - size_t{ETH_PAD_SIZE}});
  if (status == Status::kOk) return ERR_OK;
  return status == Status::kBufferTooSmall ? ERR_MEM : ERR_IF;  // TCP sends it again
}

}  // namespace

err_t nic_initialize(netif* interface) noexcept {
  start_pins();
  uint8_t id[8] = {};
  rp2::unique_id(MutableBytes(id));
  interface->hwaddr[0] = 0x02;  // an address that nobody assigned: it follows from the number of the flash chip
  memcpy(interface->hwaddr + 1, id + 3, 5);
  if (chip.start({interface->hwaddr, 6}) != Status::kOk) return ERR_IF;
  interface->name[0] = 'e';
  interface->name[1] = 'n';
  interface->hwaddr_len = 6;
  interface->mtu = 1500;
  interface->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP;
  interface->output = &etharp_output;
  interface->linkoutput = &send;
  cortex_m::enable_interrupt(rp2::kPinsInterrupt);
  return ERR_OK;
}

int nic_poll(netif* interface) noexcept {
  int frames = 0;
  (void)chip.clear_interrupt();
  bool is_empty = false;
  for (int turn = 0; turn < kFramesPerPoll && !is_empty; ++turn) {
    pbuf* packet = frame_buffer();
    if (packet == nullptr) break;
    size_t bytes = 0;
    auto* to = static_cast<uint8_t*>(packet->payload) + ETH_PAD_SIZE;
    const Status status = chip.receive({to, kMaxFrameBytes}, bytes);
    is_empty = status != Status::kOk || bytes == 0;
    if (is_empty) {
      (void)pbuf_free(packet);
      break;
    }
    pbuf_realloc(packet, static_cast<u16_t>(bytes + ETH_PAD_SIZE));
    ++frames;
    if (interface->input(packet, interface) != ERR_OK) (void)pbuf_free(packet);
  }
  line_interrupt() = line_interrupt() | kLineIsLow;
  if (!is_empty) cortex_m::request_turn();  // there was no room for what is there
  return frames;
}

}  // namespace skink::firmware::port

extern "C" void Pins_Handler() {
  using namespace skink::firmware;
  port::line_interrupt() = port::line_interrupt() & ~port::kLineIsLow;  // until nic_poll() has taken the frames
  cortex_m::request_turn();
}
