#include "skink/coordinator/core/model_messages.hpp"

#include <algorithm>
#include <cstring>

#include "skink/common/little_endian.hpp"

namespace skink::coordinator {
namespace {

Publish retained(const ChunkTopics& topics, std::uint32_t chunk) {
  Publish publish;
  publish.topic = topics.kind;
  publish.slot = topics.slot;
  publish.chunk = chunk;
  publish.retain = true;
  return publish;
}

}  // namespace

std::vector<Publish> model_chunks(const ChunkTopics& topics, const crypto::Digest& model,
                                  const std::vector<std::uint8_t>& file, std::uint32_t chunk_bytes) {
  std::vector<Publish> chunks;
  for (std::uint32_t chunk = 0; chunk < chunk_count(file.size(), chunk_bytes); ++chunk) {
    const std::size_t offset = std::size_t{chunk} * chunk_bytes;
    const std::size_t count = std::min<std::size_t>(chunk_bytes, file.size() - offset);
    Publish publish = retained(topics, chunk);
    publish.payload.resize(wire::kModelHeadBytes + count);
    store_u64(publish.payload.data(), crypto::prefix_of(model));
    std::memcpy(publish.payload.data() + wire::kModelHeadBytes, file.data() + offset, count);
    chunks.push_back(std::move(publish));
  }
  return chunks;
}

/// An empty retained message.
Publish chunk_removal(const ChunkTopics& topics, std::uint32_t chunk) { return retained(topics, chunk); }

}  // namespace skink::coordinator
