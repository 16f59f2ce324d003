#pragma once
/// @file
/// What memory alone allows.

#include <cstdint>

#include "skink/common/span.hpp"

namespace skink::simulations {

/// sums[i] += the bits of numbers[i].
void sweep_memory(Span<const float> numbers, std::int64_t* sums) noexcept;

}  // namespace skink::simulations
