/// @file
/// BBC micro:bit (nRF51822), as QEMU emulates it, for the self-test: a console and a clock. Source of the addresses:
/// nRF51 Series Reference Manual, 3.0. Pins and baud rate are left at their reset values, which the emulator accepts
/// and a real part would not.

#include "../cortex-m/cortex_m.hpp"
#include "skink/firmware/wait.hpp"

namespace skink::firmware::port {
namespace {

using cortex_m::load;
using cortex_m::reg;

constexpr uintptr_t kUart = 0x40002000;
constexpr uintptr_t kUartStart = kUart + 0x008;
constexpr uintptr_t kUartSent = kUart + 0x11C;
constexpr uintptr_t kUartEnable = kUart + 0x500;
constexpr uintptr_t kUartData = kUart + 0x51C;
constexpr uint32_t kConsolePolls = 1'000'000;  // of the transmitter: a hundred characters' time at least
constexpr uintptr_t kTimer = 0x40008000;       // the part has no SysTick; timer 0 has 32 bits
constexpr uintptr_t kTimerStart = kTimer;
constexpr uintptr_t kTimerCapture = kTimer + 0x040;
constexpr uintptr_t kTimerBits = kTimer + 0x508;
constexpr uintptr_t kTimerPrescaler = kTimer + 0x510;
constexpr uintptr_t kTimerCaptured = kTimer + 0x540;

/// One character, after the one before it has been sent. A transmitter that does not move costs one wait; then
/// characters are dropped until it does.
void put(uint8_t character) noexcept {
  static bool is_first = true;
  static bool is_stuck = false;
  if (!is_first) is_stuck = !wait_until(is_stuck ? 1 : kConsolePolls, [] { return reg(kUartSent) != 0; });
  if (is_stuck) return;
  is_first = false;
  reg(kUartSent) = 0;
  reg(kUartData) = character;
}

}  // namespace

void initialize() noexcept {
  reg(kUartEnable) = 4;
  reg(kUartStart) = 1;
  reg(kTimerBits) = 3;       // 32
  reg(kTimerPrescaler) = 4;  // 16 MHz / 2^4 = 1 MHz
  reg(kTimerStart) = 1;
}

void console(const char* text, size_t count) noexcept {
  for (size_t i = 0; i < count; ++i) put(static_cast<uint8_t>(text[i]));
}

/// The counter passes 2^32 us after 71 minutes; it is read more often.
uint64_t now_ms() noexcept {
  static uint32_t last = 0;
  static uint64_t now_us = 0;
  reg(kTimerCapture) = 1;
  const uint32_t count = load(kTimerCaptured);
  now_us += count - last;
  last = count;
  return now_us / 1000;
}

void sleep(uint64_t /*until_ms*/) noexcept {}

}  // namespace skink::firmware::port
