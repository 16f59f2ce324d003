#pragma once
/// @file
/// What the parts of the client read from a task message. Private to the client.

#include <string.h>

#include "skink/common/wire/messages.hpp"

namespace skink::edge {

inline bool is_adapt(const wire::Task& task) noexcept { return task.kind == skink_wire_TaskKind_TASK_KIND_ADAPT; }

inline wire::Digest model_of(const wire::Task& task) noexcept {
  wire::Digest digest;
  memcpy(digest.bytes, task.model_sha256, wire::kDigestBytes);
  return digest;
}

inline uint32_t chunks_for(uint32_t bytes, size_t chunk_bytes) noexcept {
  return static_cast<uint32_t>((bytes + chunk_bytes - 1) / chunk_bytes);
}

}  // namespace skink::edge
