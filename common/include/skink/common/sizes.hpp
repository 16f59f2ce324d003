#pragma once
/// @file
/// Sums and products of sizes that foreign bytes decide: what cannot be addressed becomes SIZE_MAX, which no memory
/// holds, instead of what is left of it.

#include <stddef.h>
#include <stdint.h>

namespace skink {

constexpr size_t saturating_add(size_t a, size_t b) noexcept { return b > SIZE_MAX - a ? SIZE_MAX : a + b; }

constexpr size_t saturating_multiply(size_t a, size_t b) noexcept {
  return b != 0 && a > SIZE_MAX / b ? SIZE_MAX : a * b;
}

}  // namespace skink
