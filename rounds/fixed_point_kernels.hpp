#pragma once
/// @file
/// The loops that every number of every change goes through. docs/arithmetic.md, section 8.

#include <cstdint>

#include "skink/common/span.hpp"

namespace skink::rounds {

/// Are all numbers finite and of magnitude below 128?
bool are_aggregatable(Span<const float> numbers) noexcept;

/// sums[i] += round-half-even(double(numbers[i] * factor) * 2^36) * weight; |factor| <= 1.
/// @returns are_aggregatable(numbers); if not, `sums` is as before.
bool add_fixed_point(Span<const float> numbers, float factor, std::uint32_t weight, std::int64_t* sums) noexcept;

/// Takes back what add_fixed_point() added.
void remove_fixed_point(Span<const float> numbers, float factor, std::uint32_t weight, std::int64_t* sums) noexcept;

}  // namespace skink::rounds
