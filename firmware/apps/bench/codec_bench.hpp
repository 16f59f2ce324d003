#pragma once
/// @file
/// Instructions of encoding a change.

#include "skink/common/nn/network.hpp"

namespace skink::firmware {

/// Prints a line a codec. Uses the arena.
void measure_codecs(const nn::Network& network) noexcept;

}  // namespace skink::firmware
