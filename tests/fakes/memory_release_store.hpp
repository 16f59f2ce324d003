#pragma once
/// @file
/// The two places for releases of a device on the bench.

#include <stdexcept>

#include "fakes/model.hpp"
#include "skink/edge/client_actions.hpp"
#include "skink/edge/platform/release_store.hpp"

namespace skink::test {

struct FakeReleaseStore {
  explicit FakeReleaseStore(std::size_t capacity = 0) {
    kept.bytes.assign(capacity, 0xdd);
    coming.bytes.assign(capacity, 0xcc);
  }

  edge::ReleaseStore store() { return {kept.source(), coming.source()}; }

  /// What the action asks for; `slot` is the model slot.
  Status keep(const edge::Action& action, const FakeSlot& slot) {
    if (fails) return Status::kUnavailable;
    if (action.release.bytes > kept.bytes.size()) throw std::logic_error("more than the store has room for");
    if (action.release.copies) {
      std::copy_n(slot.bytes.begin(), action.release.bytes, coming.bytes.begin());
      ++copies;
    }
    std::swap(kept.bytes, coming.bytes);
    number = action.release.number;
    bytes = action.release.bytes;
    return Status::kOk;
  }

  FakeSlot kept;
  FakeSlot coming;
  std::uint32_t number = 0;
  std::uint32_t bytes = 0;
  std::uint32_t copies = 0;
  bool fails = false;  ///< to keep
};

}  // namespace skink::test
