#pragma once
/// @file
/// What a coordinator publishes of a release: docs/protocol.md, section 7. No I/O.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "skink/common/crypto/crypto.hpp"
#include "skink/common/wire/topics.hpp"
#include "skink/coordinator/core/actions.hpp"

namespace skink::coordinator {

/// A release as it is announced.
struct AnnouncedRelease {
  std::uint32_t number = 0;
  std::uint32_t slot = 0;                              ///< of the broker's chunks: 0 or 1
  std::string header;                                  ///< 144 bytes: signed manifest and signature
  crypto::Digest model;                                ///< the model's digest
  std::vector<std::uint8_t> file;                      ///< the model file
  std::uint32_t chunk_bytes = wire::kModelChunkBytes;  ///< CoordinatorConfig::model_chunk_bytes
  // for the device's own judgement
  std::uint64_t seed = 0;
  float inner_learning_rate = 0;
  std::uint32_t passes = 0;  ///< 0: use it as released
  std::uint32_t batch_size = 1;
};

/// Its chunks, retained.
std::vector<Publish> release_chunks(const AnnouncedRelease& release);
/// A chain of patches that leads to its model.
struct ReleaseChain {
  std::uint64_t base = 0;           ///< crypto::prefix_of() the digest of the model that it begins with
  std::vector<std::uint8_t> bytes;  ///< empty: there is none
};
/// Its announcement to one device, retained, under the device's key. The chain's messages have to follow.
Publish release_announcement(const AnnouncedRelease& release, const ReleaseChain& chain, std::string_view device_id,
                             const crypto::Key& key);

}  // namespace skink::coordinator
