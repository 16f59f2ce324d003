/// @file
/// Netduino Plus 2, as QEMU emulates it, for the self-test: a console and a clock. Source of the addresses: ST RM0090.
/// Clock tree and pins are left at their reset values, which the emulator accepts and a real part would not.

#include "../cortex-m/cortex_m.hpp"
#include "skink/firmware/wait.hpp"

namespace skink::firmware::port {
namespace {

using cortex_m::reg;

constexpr uint32_t kClockHz = 168'000'000;     // of QEMU's processor from the start; a real one begins with 16 MHz
constexpr uintptr_t kUart = 0x40011000;        // USART 1
constexpr uint32_t kConsolePolls = 1'000'000;  // of the transmitter: a hundred characters' time at least

/// One character. A transmitter that does not move (no clock, a peer that holds it up) costs one wait; then characters
/// are dropped until it does.
void put(uint8_t character) noexcept {
  static bool is_stuck = false;
  is_stuck = !wait_until(is_stuck ? 1 : kConsolePolls, [] { return (reg(kUart) & 0x80) != 0; });
  if (!is_stuck) reg(kUart + 0x04) = character;
}

}  // namespace

void initialize() noexcept {
  reg(kUart + 0x0C) = (1U << 13) | (1U << 3);  // on, transmitter on
  cortex_m::start_tick(kClockHz, 10);
}

void console(const char* text, size_t count) noexcept {
  for (size_t i = 0; i < count; ++i) put(static_cast<uint8_t>(text[i]));
}

uint64_t now_ms() noexcept { return cortex_m::tick_ms(); }

void sleep(uint64_t until_ms) noexcept {
  if (now_ms() < until_ms) cortex_m::wait();  // the tick wakes it at the latest
}

}  // namespace skink::firmware::port
