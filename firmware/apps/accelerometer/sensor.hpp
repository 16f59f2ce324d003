#pragma once
/// @file
/// What this app asks of its sensor. A product replaces synthetic_sensor.cpp by a driver of its part, and nothing else.

#include "skink/firmware/samples/reading_ring.hpp"

namespace skink::firmware::sensor {

/// What one count is worth, in g. Here: a part with a range of 8 g either way in 16 bits.
inline constexpr float kUnit = 1.0F / 4096;

/// Starts the sensor at 100 readings a second. Each is pushed into `ring` with the label that the operator gives it
/// (0 idle, 1 shake, 2 circle; kNoLabel while no button is held): from the data-ready interrupt, or from poll().
void start(ReadingRing& ring) noexcept;

/// Called once a turn of the main loop. A driver without an interrupt pushes what is due, with the FIFO of its part to
/// bridge the time between; one with an interrupt has nothing to do.
///
/// @returns when it wants to be called again, at the latest; all ones for a driver with an interrupt.
uint64_t poll(uint64_t now_ms) noexcept;

}  // namespace skink::firmware::sensor
