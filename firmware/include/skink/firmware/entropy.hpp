#pragma once
/// @file
/// Bits of the board's random number generator, which everything random of the firmware begins with: TLS, port numbers,
/// transaction numbers. A generator that fails is asked again; what cannot be had is a status, never a constant.

#include "skink/common/span.hpp"
#include "skink/common/status.hpp"

namespace skink::firmware {

/// How often a generator is asked before it counts as failed.
inline constexpr int kEntropyAttempts = 8;

/// Fills `out` from port::entropy(). One byte value in all of 8 bytes or more is what a generator gives that stands
/// still (a sound one once in 2^56 times): it counts as a failure.
///
/// @returns kOk; kUnavailable after kEntropyAttempts failures, `out` is unspecified then.
Status draw_entropy(MutableBytes out) noexcept;

}  // namespace skink::firmware
