#pragma once
/// @file
/// Sums and products of sizes that come from untrusted bytes. A result that does not fit size_t becomes SIZE_MAX, which
/// no memory holds, instead of wrapping around.

#include <stddef.h>
#include <stdint.h>

namespace skink {

/// a + b, at most SIZE_MAX.
constexpr size_t saturating_add(size_t a, size_t b) noexcept { return b > SIZE_MAX - a ? SIZE_MAX : a + b; }

/// a * b, at most SIZE_MAX.
constexpr size_t saturating_multiply(size_t a, size_t b) noexcept {
  return b != 0 && a > SIZE_MAX / b ? SIZE_MAX : a * b;
}

}  // namespace skink
