/// @file
/// Does the board's watchdog work? Feeds it for a while, then hangs: the board must come back and know why.

#include "skink/firmware/app.hpp"
#include "skink/firmware/console.hpp"
#include "skink/firmware/port.hpp"

extern "C" void skink_app() {
  using namespace skink::firmware;
  constexpr uint64_t kFedMs = 12'000;  // longer than any watchdog here waits
  constexpr uint64_t kHungMs = 60'000;
  switch (port::reset_reason()) {
    case ResetReason::kWatchdog: print("ok     the watchdog reset the board"); port::finish(true);
    case ResetReason::kFault:
    case ResetReason::kSoftware: print("FAILED the board was reset, but not by the watchdog"); port::finish(false);
    default: break;
  }
  print("watchdog: fed for {} s", kFedMs / 1000);
  while (port::now_ms() < kFedMs) {
    port::feed_watchdog();
    port::sleep(port::now_ms() + 500);
  }
  print("watchdog: hung, for {} s at most", kHungMs / 1000);
  while (port::now_ms() < kFedMs + kHungMs) {
  }
  print("FAILED the board was not reset");
  port::finish(false);
}
