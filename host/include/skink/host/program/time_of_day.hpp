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
/// UTC, ISO 8601, to the millisecond: "2026-11-29T18:30:00.250Z".
std::string utc_now_ms();
/// The time of `unix_s`, seconds since 1970, as utc_now() writes it.
std::string utc_text(std::uint64_t unix_s);

}  // namespace skink
