#pragma once
/// @file
/// A pseudo-random permutation that needs no memory: each element is computed on demand from its position. Orders of
/// samples and draws without repetition (classes, samples, cohorts) are all this one function. docs/arithmetic.md,
/// section 5.

#include <stdint.h>

#include "skink/common/arithmetic/philox.hpp"

namespace skink::arithmetic {

/// The element at `position` of a permutation of 0..size-1 chosen by the four words of `key`.
///
/// Works on b-bit numbers (2^b the next power of two) with add, xor-shift and multiply by odd numbers, each a
/// bijection, and walks the cycle until the result is below `size` (on average fewer than two steps; at most
/// 2^b - size + 1). Not cryptographic.
///
/// @param[in] position  0..size-1.
/// @param[in] size      1..2^31.
/// @param[in] key       One Philox block for each permutation; the purpose says which (philox.hpp).
/// @returns 0..size-1, another one for each position.
uint32_t permute(uint32_t position, uint32_t size, const PhiloxBlock& key) noexcept;

}  // namespace skink::arithmetic
