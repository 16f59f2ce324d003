#pragma once
/// @file
/// The residual of error feedback in flash, for boards whose RAM has no room for it: two slots like those of models, of
/// which one is whole at any moment. Wear: one erasure of one slot for every update that is taken.

#include "skink/edge/platform/vector_store.hpp"
#include "skink/firmware/model_store.hpp"

namespace skink::firmware {

/// Keeps one residual, and a second one while that is written. Not ISR-safe.
class VectorFlash {
 public:
  /// Opens both slots: ModelStore::open(), with its arguments and statuses. With `slot_sectors` 0 there is no store:
  /// kOk, and store() has a capacity of 0.
  Status open(Flash& flash, uint32_t first_sector, uint32_t slot_sectors) noexcept;

  /// What the client calls, after open(). Borrows this object.
  edge::VectorStore store() noexcept;

 private:
  static VectorFlash& self(void* context) noexcept { return *static_cast<VectorFlash*>(context); }

  ModelStore slots_;  ///< bytes of the numbers as this processor has them; the digest is the tag
  uint32_t bytes_ = 0;
};

}  // namespace skink::firmware
