#pragma once
/// @file
/// A model that is to be had: what a task and a release say of theirs, and where it goes.

#include "skink/common/wire/messages.hpp"
#include "skink/common/wire/topics.hpp"
#include "skink/edge/client_actions.hpp"

namespace skink::edge::internal {

/// Which model, and the ways to it.
struct ModelOffer {
  crypto::Digest digest;  ///< of the model
  uint32_t bytes = 0;     ///< length of its file
  ModelStoreKind store = ModelStoreKind::kModel;
  wire::TopicKind topic = wire::TopicKind::kModel;  ///< of its chunks
  uint32_t topic_slot = 0;                          ///< likewise
  uint32_t chunk_bytes = 0;                         ///< of each but the last, as it was said: 0 is the most
  uint64_t patch_base = 0;   ///< the model that a chain of patches begins with: the first 8 bytes of its digest
  uint32_t patch_bytes = 0;  ///< of the chain; 0: none comes
  uint64_t seed = 0;         ///< of the chain
};

/// The offer of a task.
ModelOffer offer_of(const wire::Task& task) noexcept;

}  // namespace skink::edge::internal
