#pragma once
/// @file
/// What the parts of the client share: readings of a task message, and bit sets. Private to the client.

#include <string.h>

#include "skink/common/wire/messages.hpp"

namespace skink::edge {

inline bool is_adapt(const wire::Task& task) noexcept { return task.kind == skink_wire_TaskKind_TASK_KIND_ADAPT; }

inline crypto::Digest model_of(const wire::Task& task) noexcept {
  crypto::Digest digest;
  memcpy(digest.bytes, task.model_sha256, crypto::kDigestBytes);
  return digest;
}

inline uint32_t chunks_for(uint32_t bytes, size_t chunk_bytes) noexcept {
  return static_cast<uint32_t>((bytes + chunk_bytes - 1) / chunk_bytes);
}

inline bool has_bit(const uint8_t* bits, uint32_t index) noexcept {
  return ((bits[index / 8] >> (index % 8)) & 1) != 0;
}

inline void set_bit(uint8_t* bits, uint32_t index) noexcept {
  bits[index / 8] = static_cast<uint8_t>(bits[index / 8] | (1U << (index % 8)));
}

inline void clear_bit(uint8_t* bits, uint32_t index) noexcept {
  bits[index / 8] = static_cast<uint8_t>(bits[index / 8] & ~(1U << (index % 8)));
}

}  // namespace skink::edge
