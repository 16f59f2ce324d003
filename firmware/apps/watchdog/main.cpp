/// @file
/// Does the board's watchdog work? Hangs twice: at the start, before the port is initialized, and after it was fed for
/// a while. The board must come back each time and know why.

#include "skink/firmware/app.hpp"
#include "skink/firmware/console.hpp"
#include "skink/firmware/port.hpp"

namespace {

constexpr uint64_t kFedMs = 12'000;  // longer than any watchdog here waits for its warning
constexpr uint64_t kHungMs = 60'000;
constexpr uint64_t kHungTurns = 6'000'000'000;  // there is no clock yet: half a minute of a fast emulator
constexpr uint32_t kAtStart = 0x57440001;
constexpr uint32_t kFed = 0x57440002;

/// Survives a reset: where this image has hung last.
__attribute__((section(".noinit"))) volatile uint32_t hung;

__attribute__((constructor)) void hang_at_start() noexcept {
  if (hung == kAtStart || hung == kFed) return;
  hung = kAtStart;
  for (volatile uint64_t turn = 0; turn < kHungTurns;) turn = turn + 1;
}

}  // namespace

extern "C" void skink_app() {
  using namespace skink::firmware;
  if (port::reset_reason() != ResetReason::kWatchdog) {
    hung = 0;
    print("FAILED the board was not reset by the watchdog but for reason {}",
          static_cast<unsigned>(port::reset_reason()));
    port::finish(Verdict::kFailed);
  }
  if (hung == kFed) {
    print("ok     the watchdog reset the board");
    hung = 0;
    port::finish(Verdict::kPassed);
  }
  print("ok     the watchdog reset the board at its start");
  print("watchdog: fed for {} s", kFedMs / 1000);
  while (port::now_ms() < kFedMs) {
    port::feed_watchdog();
    port::sleep(port::now_ms() + 500);
  }
  print("watchdog: hung, for {} s at most", kHungMs / 1000);
  hung = kFed;
  while (port::now_ms() < kFedMs + kHungMs) {
  }
  print("FAILED the board was not reset");
  hung = 0;
  port::finish(Verdict::kFailed);
}
