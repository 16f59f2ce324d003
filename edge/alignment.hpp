#pragma once
/// @file
/// Memory that callers give as bytes and that holds float32 numbers. A processor may fault on a number that does not
/// begin at a multiple of 4 (Cortex-M with an FPU does).

#include <stdint.h>

#include "skink/common/span.hpp"

namespace skink::edge {

inline size_t bytes_to_alignment(MutableBytes memory) noexcept {
  return (0U - reinterpret_cast<uintptr_t>(memory.data())) % alignof(float);
}

inline bool is_aligned(MutableBytes memory) noexcept { return bytes_to_alignment(memory) == 0; }

/// From the first multiple of 4 on.
inline MutableBytes aligned_part(MutableBytes memory) noexcept {
  const size_t skipped = bytes_to_alignment(memory);
  return skipped < memory.size() ? memory.subspan(skipped) : MutableBytes();
}

}  // namespace skink::edge
