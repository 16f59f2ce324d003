/// @file
/// QEMU's RISC-V virt machine, for the self-test: a console, a clock. The rest is in
/// ports/qemu/selftest_board.cpp.

#include "skink/firmware/app.hpp"
#include "skink/firmware/port.hpp"
#include "skink/firmware/wait.hpp"

namespace skink::firmware::port {
namespace {

constexpr uintptr_t kUart = 0x10000000;        // NS16550A
constexpr uintptr_t kTime = 0x0200BFF8;        // CLINT mtime, 10 MHz
constexpr uint32_t kConsolePolls = 1'000'000;  // of the transmitter: a hundred characters' time at least
constexpr uint64_t kTicksPerMs = 10'000;

volatile uint8_t& byte_at(uintptr_t address) noexcept { return *reinterpret_cast<volatile uint8_t*>(address); }
uint32_t word_at(uintptr_t address) noexcept { return *reinterpret_cast<volatile uint32_t*>(address); }

/// One character. A transmitter that does not move (no clock, a peer that holds it up) costs one wait; then characters
/// are dropped until it does.
void put(uint8_t character) noexcept {
  static bool is_stuck = false;
  is_stuck = !wait_until(is_stuck ? 1 : kConsolePolls, [] { return (byte_at(kUart + 5) & 0x20) != 0; });
  if (!is_stuck) byte_at(kUart) = character;
}

}  // namespace

void initialize() noexcept {}

void console(const char* text, size_t count) noexcept {
  for (size_t i = 0; i < count; ++i) put(static_cast<uint8_t>(text[i]));
}

uint64_t now_ms() noexcept {
  uint32_t high = 0;
  uint32_t low = 0;
  for (int attempt = 0; attempt < 2; ++attempt) {  // the high word changes every seven minutes
    high = word_at(kTime + 4);
    low = word_at(kTime);
    if (word_at(kTime + 4) == high) break;
  }
  return ((uint64_t{high} << 32) | low) / kTicksPerMs;
}

void sleep(uint64_t /*until_ms*/) noexcept {}

}  // namespace skink::firmware::port

extern "C" [[noreturn]] void skink_start();
extern "C" void skink_start() {
  skink::firmware::port::feed_watchdog();
  skink::firmware::port::initialize();
  skink_app();
  skink::firmware::port::finish(skink::firmware::Verdict::kFailed);
}
