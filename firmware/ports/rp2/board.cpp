/// @file
/// Raspberry Pi Pico, Pico W, Pico 2 and Pico 2 W: clocks, console, time, watchdog. Clocks and the watchdog are those
/// of Raspberry Pi's SDK. The second core stays where the ROM left it, asleep.

#include <hardware/clocks.h>
#include <hardware/gpio.h>
#include <hardware/resets.h>
#include <hardware/structs/scb.h>
#include <hardware/structs/uart.h>
#include <hardware/structs/watchdog.h>
#include <hardware/ticks.h>
#include <hardware/watchdog.h>
#include <pico/runtime_init.h>

#include "ports/cortex-m/cortex_m.hpp"
#include "ports/rp2/rp2.hpp"
#include "skink/firmware/wait.hpp"

extern "C" const uint32_t skink_vectors_begin[];

namespace skink::firmware::port {
namespace {

constexpr uint32_t kConsolePolls = 1'000'000;  // of the transmitter: a hundred characters' time at least
constexpr uint32_t kBaud = 115'200;
constexpr uint32_t kWatchdogMs = 8'300;          // the longest of the RP2040, which counts every tick twice
constexpr uint64_t kLongestSleepUs = 4'000'000;  // then the watchdog is fed
constexpr unsigned kCrystalMhz = 12;

// Peripherals keep what the boot ROM, or an image before this one, made of them. Reset is all but what code is read
// through, and what clocks it now.
constexpr uint32_t kKept = 1U << RESET_IO_QSPI | 1U << RESET_PADS_QSPI | 1U << RESET_PLL_USB | 1U << RESET_USBCTRL |
                           1U << RESET_SYSCFG | 1U << RESET_PLL_SYS;
// Of no use before the clocks run: these have clocks of their own, and would not come out of reset.
#if PICO_RP2040
constexpr uint32_t kClockedLater = 1U << RESET_ADC | 1U << RESET_RTC | 1U << RESET_SPI0 | 1U << RESET_SPI1 |
                                   1U << RESET_UART0 | 1U << RESET_UART1 | 1U << RESET_USBCTRL;
#else
constexpr uint32_t kClockedLater = 1U << RESET_ADC | 1U << RESET_HSTX | 1U << RESET_SPI0 | 1U << RESET_SPI1 |
                                   1U << RESET_UART0 | 1U << RESET_UART1 | 1U << RESET_USBCTRL;
#endif

void start_console() noexcept {
  const uint32_t divisor = 8 * clock_get_hz(clk_peri) / kBaud;  // in 128ths
  uart0_hw->ibrd = divisor >> 7;
  uart0_hw->fbrd = ((divisor & 0x7f) + 1) / 2;
  uart0_hw->lcr_h = 3U << UART_UARTLCR_H_WLEN_LSB | UART_UARTLCR_H_FEN_BITS;  // 8 bits, no parity, FIFO
  uart0_hw->cr = UART_UARTCR_UARTEN_BITS | UART_UARTCR_TXE_BITS | UART_UARTCR_RXE_BITS;
  gpio_set_function(rp2::kConsoleSend, GPIO_FUNC_UART);
  gpio_set_function(rp2::kConsoleReceive, GPIO_FUNC_UART);
}

/// One character. A transmitter that does not move costs one wait; then characters are dropped until it does.
void put(uint8_t character) noexcept {
  static bool is_stuck = false;
  is_stuck = !wait_until(is_stuck ? 1 : kConsolePolls, [] { return (uart0_hw->fr & UART_UARTFR_TXFF_BITS) == 0; });
  if (!is_stuck) uart0_hw->dr = character;
}

Bytes partition(uint32_t offset, uint32_t bytes) noexcept {
  return {reinterpret_cast<const uint8_t*>(XIP_BASE + offset), bytes};
}

}  // namespace

void initialize() noexcept {
  scb_hw->vtor = reinterpret_cast<uintptr_t>(skink_vectors_begin);  // as the ROM has it; a debugger may not
  reset_block_mask(RESETS_RESET_BITS & ~kKept);
  unreset_block_mask_wait_blocking(RESETS_RESET_BITS & ~kClockedLater);
  runtime_init_clocks();
  unreset_block_mask_wait_blocking(RESETS_RESET_BITS);
  start_console();
  rp2::timer()->inte = 1;
  cortex_m::enable_interrupt(rp2::kAlarmInterrupt);
}

void console(const char* text, size_t count) noexcept {
  for (size_t i = 0; i < count; ++i) {
    if (text[i] == '\n') put('\r');
    put(static_cast<uint8_t>(text[i]));
  }
}

uint64_t now_ms() noexcept { return rp2::now_us() / 1000; }

Status wall_time(int64_t& /*unix_seconds*/) noexcept { return Status::kUnavailable; }

/// The alarm goes off when the counter reaches it; one that is behind the counter already would not for an hour.
void sleep(uint64_t until_ms) noexcept {
  const uint64_t now = rp2::now_us();
  uint64_t until_us = now + kLongestSleepUs;
  if (until_ms < until_us / 1000) until_us = until_ms * 1000;
  if (now >= until_us) return;
  rp2::timer()->alarm[0] = static_cast<uint32_t>(until_us);
  if (rp2::now_us() >= until_us) cortex_m::request_turn();
  cortex_m::wait();
}

/// Before initialize() the ring oscillator clocks the ticks, which is slower than the crystal: the first period is
/// longer.
void feed_watchdog() noexcept {
  static bool is_running = false;
  if (is_running) {
    watchdog_update();
    return;
  }
  is_running = true;
  tick_start(TICK_WATCHDOG, kCrystalMhz);
  watchdog_enable(kWatchdogMs, true);  // not while a debugger holds the core
}

/// What the watchdog says goes first: RAM keeps its content over the reset pin too, and the note in it with it.
ResetReason reset_reason() noexcept {
  const uint32_t reason = watchdog_hw->reason;
  if (reason == 0) return ResetReason::kPowerOn;
  return (reason & WATCHDOG_REASON_TIMER_BITS) != 0 ? ResetReason::kWatchdog : cortex_m::noted_reset_reason();
}

/// By the watchdog, which resets the peripherals too; a reset that the core asks for does not.
void restart(ResetReason reason) noexcept {
  cortex_m::note_next_reset(reason);
  watchdog_reboot(0, 0, 0);
  for (;;) cortex_m::wait();
}

void finish(Verdict verdict) noexcept {
  console(verdict == Verdict::kPassed ? "passed\n" : "failed\n", 7);
  for (;;) {
    feed_watchdog();
    sleep(~uint64_t{0});
  }
}

Bytes identity_partition() noexcept { return partition(rp2::kIdentityOffset, rp2::kIdentityBytes); }

Bytes recording_partition() noexcept { return partition(rp2::kRecordingOffset, rp2::kRecordingBytes); }

Bytes release_partition() noexcept { return partition(rp2::kReleaseOffset, rp2::kReleaseBytes); }

}  // namespace skink::firmware::port

namespace skink::firmware::rp2 {

/// Two registers: read again when the low one passed 0 between, which it does not twice in a row.
uint64_t now_us() noexcept {
  uint32_t high = timer()->timerawh;
  uint32_t low = timer()->timerawl;
  const uint32_t again = timer()->timerawh;
  if (again != high) {
    high = again;
    low = timer()->timerawl;
  }
  return uint64_t{high} << 32 | low;
}

void pause_us(uint32_t microseconds) noexcept {
  const uint32_t begin = timer()->timerawl;
  (void)wait_until(200'000'000, [&] { return timer()->timerawl - begin > microseconds; });
}

}  // namespace skink::firmware::rp2

extern "C" {

void Alarm_Handler();
void hard_assertion_failure();

/// The alarm may come before the sleep that it is to end.
void Alarm_Handler() {
  skink::firmware::rp2::timer()->intr = 1;
  skink::firmware::cortex_m::request_turn();
}

/// Of the SDK.
void hard_assertion_failure() { skink::firmware::port::restart(skink::firmware::ResetReason::kFault); }

}  // extern "C"
