#pragma once
/// @file
/// Is this process's floating point what docs/arithmetic.md requires? Every program asks before it computes, and every
/// thread that computes asks again: a library linked with -ffast-math changes the control word of the whole process.

namespace skink::arithmetic {

/// How a process's floating point deviates; kSound: not at all.
enum class Canary : unsigned char {
  kSound = 0,
  kContracted,      ///< a * b + c was fused into one rounding
  kDenormalsLost,   ///< denormal numbers are flushed to zero
  kWrongRounding,   ///< not round to nearest, half to even
  kExtraPrecision,  ///< results carry more than binary32 (x87)
  kReassociated,    ///< (a + b) - b was simplified
};

/// Computes probes with values the compiler cannot see. Thread-safe; some 20 operations.
Canary check_floating_point() noexcept;

/// What was found, and what to do about it; static storage.
const char* canary_text(Canary canary) noexcept;

}  // namespace skink::arithmetic
