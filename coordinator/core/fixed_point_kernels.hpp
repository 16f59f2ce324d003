#pragma once
/// @file
/// The two loops that every number of every change goes through. docs/arithmetic.md, section 8.

#include <cstdint>

#include "skink/common/span.hpp"

namespace skink::coordinator {

/// Are all numbers finite and of magnitude below 128?
bool are_aggregatable(Span<const float> numbers) noexcept;

/// sums[i] += round-half-even(double(numbers[i] * factor) * 2^36) * weight, for numbers that are aggregatable and
/// |factor| <= 1. A negative weight takes back what the positive one added.
void add_fixed_point(Span<const float> numbers, float factor, std::int64_t weight, std::int64_t* sums) noexcept;

}  // namespace skink::coordinator
