#pragma once
/// @file
/// Where a device keeps a vector of float32 numbers beside its models, in flash mostly: what was not sent yet (error
/// feedback, when the arena has no room for it), and the weights that it adapted for itself. Synchronous: a small
/// struct of callbacks, called by the thread that calls the client, never from an interrupt.

#include <stddef.h>
#include <stdint.h>

#include "skink/common/span.hpp"
#include "skink/common/status.hpp"

namespace skink::edge {

/// Which vector it is: one with another tag is not used.
struct VectorTag {
  uint64_t owner = 0;     ///< of a residual the run; of weights the first 8 bytes of the digest of their model
  uint64_t settings = 0;  ///< of a residual the seed; of weights what they were adapted with (PersonalWeights)
  uint32_t version = 0;   ///< of a residual the accepted round (docs/codec.md, section 8); of weights the batch size
  uint32_t numbers = 0;   ///< float32 numbers: one for each trainable parameter; of weights one for each parameter

  /// Do all fields agree?
  friend bool operator==(const VectorTag& a, const VectorTag& b) noexcept {
    return a.owner == b.owner && a.settings == b.settings && a.version == b.version && a.numbers == b.numbers;
  }
};

/// Keeps one vector, and a second one while that is written. Survives a reset, or not: what is found says. All
/// callbacks must be set unless `capacity` is 0.
struct VectorStore {
  void* context = nullptr;  ///< handed to the callbacks; borrowed for the client's life
  uint32_t capacity = 0;    ///< float32 numbers; 0: there is no store
  /// Is there a whole vector, and which? @returns false when none is; `tag` is unspecified then.
  bool (*find)(void* context, VectorTag& tag) = nullptr;
  /// Numbers [first, first + out.size()) of what was found, also after begin(), until commit().
  /// @returns kOk; any other status: it is not used; of a residual: the change is refused with STORAGE_FAILED, or,
  /// while
  ///          it is sent, read again later.
  Status (*read)(void* context, size_t first, Span<float> out) = nullptr;
  /// Begins a new vector of `numbers` numbers, at most `capacity`. From now on nothing is found until commit(); after
  /// a reset on the way, what was found before, or nothing.
  /// @returns kOk; any other status: it is not kept.
  Status (*begin)(void* context, uint32_t numbers) = nullptr;
  /// The next numbers of the new vector, in order from 0, without gaps. @returns as begin().
  Status (*write)(void* context, size_t first, Span<const float> numbers) = nullptr;
  /// All were written: this is what is found from now on. @returns as begin().
  Status (*commit)(void* context, const VectorTag& tag) = nullptr;
};

}  // namespace skink::edge
