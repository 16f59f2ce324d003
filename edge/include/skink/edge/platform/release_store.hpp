#pragma once
/// @file
/// Where a device keeps the model that it was told to use (docs/protocol.md, section 7): two places, one for the
/// release that is kept, one for the next. Read synchronously; written by the port, on actions of the client.

#include <stdint.h>

#include "skink/common/model/model_file.hpp"

namespace skink::edge {

/// Which release a store gives after a reset.
enum class KeptRelease : uint8_t {
  kLast,
  kPrevious,  ///< the last one cannot be read
};

/// Reads both places. The port writes the second one (kStoreModel with ModelStoreKind::kRelease) and makes it the first
/// (kKeepRelease) so that a loss of power leaves the old release or the new one.
struct ReleaseStore {
  /// The file of the release that is kept, also while the next one is written. `size` is the capacity in bytes, the
  /// same of both; 0: there is no store, and the device takes no releases.
  model::ByteSource kept;
  /// What was written since the last kKeepRelease.
  model::ByteSource coming;
};

}  // namespace skink::edge
