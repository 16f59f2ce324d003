#pragma once
/// @file
/// When a battery counts as low, for devices and whoever hears of them: docs/protocol.md, section 3, step 1.

#include <stdint.h>

namespace skink::wire {

/// At 20 % or less, and then until it is above 25 %, so that a reading that wavers is not said again and again.
/// @param[in] percent  0..100; above: mains powered, or not known
constexpr bool is_battery_low(uint32_t percent, bool was_low) noexcept { return percent <= (was_low ? 25U : 20U); }

}  // namespace skink::wire
