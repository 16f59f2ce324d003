#pragma once
/// @file
/// What this app asks of its microphone and its buttons. A product replaces synthetic_microphone.cpp by a driver of its
/// part, and nothing else.

#include "skink/firmware/samples/block_rings.hpp"

namespace skink::firmware::microphone {

inline constexpr uint32_t kRateHz = 8000;
inline constexpr uint32_t kBlock = 64;  ///< readings, 8 ms

/// Starts it. Each block of kBlock readings is claimed from `ring` and committed with the word whose button is held (0,
/// 1, 2; kNoLabel while none is): from the transfer's interrupt, or from poll().
void start(BlockRing& ring) noexcept;

/// Called once a turn of the main loop. A driver with an interrupt has nothing to do here.
/// @returns when it wants to be called again, at the latest; all ones for a driver with an interrupt.
uint64_t poll(uint64_t now_ms) noexcept;

}  // namespace skink::firmware::microphone
