#pragma once
/// @file
/// Instructions between two moments, on a board whose emulator counts them. Only the benchmark image uses it.

#include <stdint.h>

namespace skink::firmware::stopwatch {

/// Stops the tick: its interrupts would be counted.
void start() noexcept;

/// A reading of the counter, which counts up and wraps.
uint32_t ticks() noexcept;

/// Instructions between two readings, the readings themselves left out.
uint32_t instructions(uint32_t begin, uint32_t end) noexcept;

}  // namespace skink::firmware::stopwatch
