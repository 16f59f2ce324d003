#pragma once
/// @file
/// What every Cortex-M port needs: registers, the tick of SysTick, the reset.

#include <stdint.h>

#include "skink/firmware/port.hpp"

namespace skink::firmware::cortex_m {

inline volatile uint32_t& reg(uintptr_t address) noexcept { return *reinterpret_cast<volatile uint32_t*>(address); }

/// A register whose reading pops a FIFO must be read through a value: a discarded volatile reference is not read.
inline uint32_t load(uintptr_t address) noexcept { return reg(address); }

/// SysTick at 1000 Hz / `milliseconds` of a clock of `hertz`. The interrupt counts milliseconds.
void start_tick(uint32_t hertz, uint32_t milliseconds) noexcept;

uint64_t tick_ms() noexcept;

/// Reads why the last reset happened, as noted in RAM that survives it, and notes what the next one will be if nobody
/// writes another: the watchdog's. Reset_Handler calls it, before anything that can hang.
void note_reset() noexcept;

/// What was noted: nothing is power-on, a note that was not replaced before the reset means that the watchdog bit.
ResetReason noted_reset_reason() noexcept;

/// What the next noted_reset_reason() says: for boards that are not reset by the core.
void note_next_reset(ResetReason reason) noexcept;

[[noreturn]] void reset(ResetReason reason) noexcept;

/// Switches an external interrupt on. Its handler stands in the board's table in the section .vectors.external.
void enable_interrupt(uint32_t number) noexcept;
/// Switches one off; what it says meanwhile waits for enable_interrupt().
void disable_interrupt(uint32_t number) noexcept;

/// For handlers: the main loop has something to do, the next wait() returns at once.
void request_turn() noexcept;

/// Waits for an interrupt, unless request_turn() was called since the last wait.
void wait() noexcept;

}  // namespace skink::firmware::cortex_m
