/// @file
/// Arm MPS2 as QEMU emulates it, whatever its FPGA image; what differs stands in board_map.hpp. What the
/// emulator leaves out (a random number generator, a real-time clock, flash) comes from the host through semihosting.

#include "../cortex-m/cortex_m.hpp"
#include "../qemu/host_flash.hpp"
#include "../qemu/semihosting.hpp"
#include "board_map.hpp"
#include "skink/firmware/wait.hpp"

namespace skink::firmware::port {
namespace {

using cortex_m::reg;
using namespace board_map;

constexpr uint32_t kConsolePolls = 1'000'000;  // of the transmitter: a hundred characters' time at least
constexpr uint32_t kWatchdogKey = 0x1ACCE551;
constexpr uint32_t kWatchdogPeriod = kClockHz * 16;   // it warns after one period and resets after the second
constexpr uint64_t kLongestSleepMs = 14'000;          // then the watchdog is fed
constexpr uint64_t kLongestHibernationMs = 300'000;   // QEMU's watchdog goes on while it is off, and bites after 343 s
constexpr uintptr_t kClock = kDualTimer;              // the first half of the dual timer counts down for ever
constexpr uintptr_t kAlarm = kDualTimer + 0x20;       // the second half wakes
constexpr uint32_t kFreeRunning = 0x8A;               // on, a 256th of the clock, 32 bits
constexpr uint32_t kOneShot = 0xAB;                   // that, an interrupt, once
constexpr uint32_t kCountsPer32Ms = kClockHz / 8000;  // 256 / kClockHz s are 32 / kCountsPer32Ms ms
static_assert(kCountsPer32Ms * 8000 == kClockHz, "now_ms() would lose time");
constexpr uint32_t kIdentityBytes = 4096;

bool watchdog_runs = false;
Flash flash;

/// At most kLongestHibernationMs.
void set_alarm(uint64_t after_ms) noexcept {
  reg(kAlarm + 0x08) = 0;
  reg(kAlarm) = static_cast<uint32_t>(after_ms) * kCountsPer32Ms / 32 + 1;
  reg(kAlarm + 0x08) = kOneShot;
}

/// The alarm may come before the sleep that it is to end.
extern "C" void Timers_Handler() {
  reg(kAlarm + 0x0C) = 1;
  cortex_m::request_turn();
}

void stop_watchdog() noexcept {
  reg(kWatchdog + 0xC00) = kWatchdogKey;
  reg(kWatchdog + 0x08) = 0;
  reg(kWatchdog + 0x00) = 0xffffffff;
  reg(kWatchdog + 0xC00) = 0;
  watchdog_runs = false;
}

/// One character. A transmitter that does not move (no clock, a peer that holds it up) costs one wait; then characters
/// are dropped until it does.
void put(uint8_t character) noexcept {
  static bool is_stuck = false;
  is_stuck = !wait_until(is_stuck ? 1 : kConsolePolls, [] { return (reg(kUart + 0x04) & 1) == 0; });
  if (!is_stuck) reg(kUart) = character;
}

}  // namespace

void initialize() noexcept {
  reg(kUart + 0x10) = 16;              // the smallest divider; with less the emulator sends nothing
  reg(kUart + 0x08) = 1;               // transmitter on
  flash = open_host_flash(4096, 384);  // as if on a chip of its own: 1.5 MB
  reg(kClock) = 0xffffffff;
  reg(kClock + 0x08) = kFreeRunning;
  cortex_m::enable_interrupt(kTimersInterrupt);
}

void console(const char* text, size_t count) noexcept {
  for (size_t i = 0; i < count; ++i) {
    if (text[i] == '\n') put('\r');
    put(static_cast<uint8_t>(text[i]));
  }
}

/// The counter passes 0 after twelve hours and more; it is read more often.
uint64_t now_ms() noexcept {
  static uint32_t last = 0xffffffff;
  static uint32_t rest = 0;  // in parts of a millisecond, kCountsPer32Ms of them
  static uint64_t now = 0;
  const uint32_t count = cortex_m::load(kClock + 0x04);
  const uint64_t parts = uint64_t{last - count} * 32 + rest;
  last = count;
  if (parts < 1U << 31) {  // as nearly always: division in one instruction
    now += static_cast<uint32_t>(parts) / kCountsPer32Ms;
    rest = static_cast<uint32_t>(parts) % kCountsPer32Ms;
  } else {
    now += parts / kCountsPer32Ms;
    rest = static_cast<uint32_t>(parts % kCountsPer32Ms);
  }
  return now;
}

Status entropy(MutableBytes out) noexcept { return semihosting::entropy(out); }

Status wall_time(int64_t& unix_seconds) noexcept { return semihosting::wall_time(unix_seconds); }

void sleep(uint64_t until_ms) noexcept {
  const uint64_t now = now_ms();
  if (now >= until_ms) return;
  const uint64_t sleep_ms = until_ms - now < kLongestSleepMs ? until_ms - now : kLongestSleepMs;
  set_alarm(sleep_ms);
  cortex_m::wait();  // for the alarm, or for a frame
}

/// Only the alarm ends it: the network chip is not heard, the watchdog is off.
void hibernate(uint64_t until_ms) noexcept {
  const uint64_t now = now_ms();
  if (now >= until_ms) return;
  const uint64_t sleep_ms = until_ms - now < kLongestHibernationMs ? until_ms - now : kLongestHibernationMs;
  stop_watchdog();
  cortex_m::disable_interrupt(board_map::kEthernetInterrupt);
  set_alarm(sleep_ms);
  cortex_m::wait();
  cortex_m::enable_interrupt(board_map::kEthernetInterrupt);
  feed_watchdog();
}

void feed_watchdog() noexcept {
  reg(kWatchdog + 0xC00) = kWatchdogKey;  // unlock
  reg(kWatchdog + 0x00) = kWatchdogPeriod;
  reg(kWatchdog + 0x0C) = 1;  // clear the warning: one of before must not be heard when it is switched on
  if (!watchdog_runs) {
    watchdog_runs = true;
    reg(kWatchdog + 0x08) = 3;  // count, reset
  }
  reg(kWatchdog + 0xC00) = 0;
}

ResetReason reset_reason() noexcept { return cortex_m::noted_reset_reason(); }

void restart(ResetReason reason) noexcept { cortex_m::reset(reason); }

void finish(Verdict verdict) noexcept { semihosting::exit(verdict == Verdict::kPassed ? 0 : 1); }

Bytes identity_partition() noexcept { return {reinterpret_cast<const uint8_t*>(kIdentity), kIdentityBytes}; }

/// The board's PSRAM, which QEMU fills from a file.
Bytes recording_partition() noexcept { return {reinterpret_cast<const uint8_t*>(kRecording), 8U << 20}; }

Bytes release_partition() noexcept { return {reinterpret_cast<const uint8_t*>(kRelease), 8U << 20}; }

Flash& storage() noexcept { return flash; }

}  // namespace skink::firmware::port

/// The watchdog's warning, one period before it would reset the board itself.
extern "C" void NMI_Handler() { skink::firmware::port::restart(skink::firmware::ResetReason::kWatchdog); }
