#pragma once
/// @file
/// A model on its way to all devices that lack it: retained chunks, docs/protocol.md, section 1. No I/O.

#include <cstdint>
#include <vector>

#include "skink/common/crypto/crypto.hpp"
#include "skink/coordinator/core/actions.hpp"

namespace skink::coordinator {

/// Where a model's chunks are.
struct ChunkTopics {
  wire::TopicKind kind = wire::TopicKind::kModel;  ///< or kReleaseModel
  std::uint32_t slot = 0;                          ///< 0 or 1
};

/// How many chunks of `chunk_bytes` a file of `file_bytes` has.
constexpr std::uint32_t chunk_count(std::size_t file_bytes, std::uint32_t chunk_bytes) {
  return static_cast<std::uint32_t>((file_bytes + chunk_bytes - 1) / chunk_bytes);
}
/// What a task or a release says of the size of chunks: nothing of the usual one.
constexpr std::uint32_t said_chunk_bytes(std::uint32_t chunk_bytes) {
  return chunk_bytes == wire::kModelChunkBytes ? 0 : chunk_bytes;
}

/// The chunks of a model file, each with its head.
std::vector<Publish> model_chunks(const ChunkTopics& topics, const crypto::Digest& model,
                                  const std::vector<std::uint8_t>& file, std::uint32_t chunk_bytes);
/// What removes a chunk from the broker.
Publish chunk_removal(const ChunkTopics& topics, std::uint32_t chunk);

}  // namespace skink::coordinator
