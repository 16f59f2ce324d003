#pragma once
/// @file
/// Where a device keeps what was not sent yet (error feedback) when its arena has no room for it: flash, mostly.
/// Synchronous: a small struct of callbacks, called by the thread that calls the client, never from an interrupt.

#include <stddef.h>
#include <stdint.h>

#include "skink/common/span.hpp"
#include "skink/common/status.hpp"

namespace skink::edge {

/// Which residual it is: only one with the same tag may be added to a change (docs/codec.md, section 8).
struct ResidualTag {
  uint64_t run = 0;             ///< of the task
  uint64_t seed = 0;            ///< of the experiment
  uint32_t accepted_round = 0;  ///< it was computed after the update of this round, less one, was taken
  uint32_t numbers = 0;         ///< float32 numbers, one for each trainable parameter

  /// Do all fields agree?
  friend bool operator==(const ResidualTag& a, const ResidualTag& b) noexcept {
    return a.run == b.run && a.seed == b.seed && a.accepted_round == b.accepted_round && a.numbers == b.numbers;
  }
};

/// Keeps one residual, and a second one while that is written. Survives a reset, or not: what is found says. All
/// callbacks must be set unless `capacity` is 0.
struct ResidualStore {
  void* context = nullptr;  ///< handed to the callbacks; borrowed for the client's life
  uint32_t capacity = 0;    ///< float32 numbers; 0: there is no store
  /// Is there a whole residual, and which? @returns false when none is; `tag` is unspecified then.
  bool (*find)(void* context, ResidualTag& tag) = nullptr;
  /// Numbers [first, first + out.size()) of what was found, also after begin(), until commit().
  /// @returns kOk; any other status: the change is refused with STORAGE_FAILED, or, while it is sent, read again later.
  Status (*read)(void* context, size_t first, Span<float> out) = nullptr;
  /// Begins a new residual of `numbers` numbers, at most `capacity`. From now on nothing is found until commit(); after
  /// a reset on the way, what was found before, or nothing.
  /// @returns kOk; any other status: the next change is encoded without a residual.
  Status (*begin)(void* context, uint32_t numbers) = nullptr;
  /// The next numbers of the new residual, in order from 0, without gaps. @returns as begin().
  Status (*write)(void* context, size_t first, Span<const float> numbers) = nullptr;
  /// All were written: this is what is found from now on. @returns as begin().
  Status (*commit)(void* context, const ResidualTag& tag) = nullptr;
};

}  // namespace skink::edge
