#pragma once
/// @file
/// Waiting for hardware, never without a bound: a part that does not answer must cost a status, not the device.

#include <stdint.h>

namespace skink::firmware {

/// Asks `is_ready` until it says so, at most `polls` times. A poll is at least one access to a register; take a bound
/// well above what the data sheet allows, and keep the whole wait well below the watchdog's 8 s.
/// @returns false: it was not ready in time.
template <class IsReady>
bool wait_until(uint32_t polls, IsReady is_ready) noexcept {
  for (uint32_t poll = 0; poll < polls; ++poll) {
    if (is_ready()) return true;
  }
  return false;
}

}  // namespace skink::firmware
