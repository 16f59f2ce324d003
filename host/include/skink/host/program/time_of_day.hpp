#pragma once
/// @file
/// The time of day, which may be wrong on a gateway without a battery: for people, and for numbers that should grow.

#include <cstdint>
#include <string>

namespace skink {

/// Milliseconds since 1970.
std::uint64_t unix_time_ms();
/// UTC, ISO 8601, to the second: "2026-11-29T18:30:00Z".
std::string utc_now();

}  // namespace skink
