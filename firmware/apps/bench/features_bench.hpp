#pragma once
/// @file
/// Instructions of the features of a window.

namespace skink::firmware {

/// Prints a line a block (docs/features.md, section 8). Uses the arena.
void measure_features() noexcept;

}  // namespace skink::firmware
