/// @file
/// TODO: name the board, and where its register addresses come from.
///
/// Every function is a contract of skink/firmware/port.hpp. As it stands, this port compiles and links; on a board it
/// would stop at the first thing that it does not have: it has no identity.

#include "ports/cortex-m/cortex_m.hpp"

namespace skink::firmware::port {
namespace {

constexpr uint32_t kClockHz = 16'000'000;  // TODO: of the core, after initialize()

// Storage: two or more sectors for the journal, and two slots of equal size for models. With SKINK_RESIDUAL_SECTORS in
// CMakeLists.txt its end holds two slots of so many sectors for what error feedback keeps where RAM has no room.
// TODO: a driver for the part's flash. The rules that it may rely on stand in skink/firmware/flash.hpp. Every wait for
// the part has a bound (wait_until() of skink/firmware/wait.hpp); after it, kUnavailable.
Status read(void* /*context*/, uint32_t /*address*/, MutableBytes /*out*/) { return Status::kUnavailable; }
Status program(void* /*context*/, uint32_t /*address*/, Bytes /*bytes*/) { return Status::kUnavailable; }
Status erase(void* /*context*/, uint32_t /*sector*/) { return Status::kUnavailable; }

}  // namespace

void initialize() noexcept {
  // TODO: clocks and pins.
  cortex_m::start_tick(kClockHz, 10);
}

void console(const char* /*text*/, size_t /*count*/) noexcept {
  // TODO: a UART. Without a console the device works, and nobody sees why it does not. One that is stuck costs a
  // bounded wait: put() of ports/mps2/board.cpp.
}

uint64_t now_ms() noexcept { return cortex_m::tick_ms(); }

Status entropy(MutableBytes /*out*/) noexcept {
  return Status::kUnavailable;  // TODO: the part's random number generator. Never a constant, a counter or the time.
}

Status wall_time(int64_t& /*unix_seconds*/) noexcept {
  return Status::kUnavailable;  // TODO: a clock with a battery, if there is one; else a time server
                                // (docs/provisioning.md)
}

void sleep(uint64_t until_ms) noexcept {
  if (now_ms() < until_ms) cortex_m::wait();  // the network chip's interrupt, or the tick, wakes it
}

void feed_watchdog() noexcept {
  // TODO: the part's watchdog, 8 s or more: a TLS handshake takes seconds on a slow core. The first call comes before
  // initialize(), and starts it: with a clock that runs by itself after a reset, and switched on here. A part that can
  // start it by an option byte, before the first instruction, does that too. ports/mps2/board.cpp is an example.
}

ResetReason reset_reason() noexcept {
  return cortex_m::noted_reset_reason();  // TODO: or what the part's reset controller says
}

void restart(ResetReason reason) noexcept { cortex_m::reset(reason); }

void finish(Verdict verdict) noexcept {
  console(verdict == Verdict::kPassed ? "passed\n" : "failed\n", 7);
  for (;;) {
    feed_watchdog();
    cortex_m::wait();
  }
}

Bytes identity_partition() noexcept {
  return {};  // TODO: where `skinkctl provision`'s image is flashed, 4096 bytes
}

Bytes recording_partition() noexcept { return {}; }

Bytes release_partition() noexcept { return {}; }

Flash& storage() noexcept {
  static Flash flash = [] {
    Flash part;
    part.sector_bytes = 4096;  // TODO
    part.sectors = 32;
    part.program_bytes = 8;
    part.mapped = nullptr;  // TODO: where it begins, if it can be read like memory
    part.read_function = &read;
    part.program_function = &program;
    part.erase_function = &erase;
    return part;
  }();
  return flash;
}

}  // namespace skink::firmware::port
