#pragma once
/// @file
/// Where a device keeps what was not sent yet (error feedback) when its arena has no room for it: flash, mostly.
/// Synchronous: a small struct of callbacks.

#include <stddef.h>
#include <stdint.h>

#include "skink/common/span.hpp"
#include "skink/common/status.hpp"

namespace skink::edge {

/// Which residual it is.
struct ResidualTag {
  uint64_t run = 0;
  uint64_t seed = 0;
  uint32_t accepted_round = 0;  ///< it was computed after the update of this round, less one, was taken
  uint32_t numbers = 0;

  friend bool operator==(const ResidualTag& a, const ResidualTag& b) noexcept {
    return a.run == b.run && a.seed == b.seed && a.accepted_round == b.accepted_round && a.numbers == b.numbers;
  }
};

/// Keeps one residual, and a second one while that is written. Survives a reset, or not: what is found says.
struct ResidualStore {
  void* context = nullptr;
  uint32_t capacity = 0;  ///< numbers; 0: there is no store
  /// @returns false when none is whole.
  bool (*find)(void* context, ResidualTag& tag) = nullptr;
  /// Numbers [first, first + out.size()) of what was found, also after begin(), until commit().
  Status (*read)(void* context, size_t first, Span<float> out) = nullptr;
  /// From now on nothing is found until commit(); after a reset on the way, what was found before, or nothing.
  Status (*begin)(void* context, uint32_t numbers) = nullptr;
  /// In order from 0, without gaps.
  Status (*write)(void* context, size_t first, Span<const float> numbers) = nullptr;
  /// All were written: this is what is found.
  Status (*commit)(void* context, const ResidualTag& tag) = nullptr;
};

}  // namespace skink::edge
