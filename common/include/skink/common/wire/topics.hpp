#pragma once
/// @file
/// MQTT topic names: skink/1/<fleet>/... (docs/protocol.md). Built into and parsed from the caller's memory.

#include <stddef.h>
#include <stdint.h>

#include "skink/common/crypto/crypto.hpp"
#include "skink/common/span.hpp"

namespace skink::wire {

/// The topics of docs/protocol.md, section 1.
enum class TopicKind : uint8_t {
  kState,
  kTask,
  kUpdate,
  kReply,
  kPatch,
  kModel,
  kRelease,
  kReleaseModel,
  kRenewal,
  kCredentials
};

/// Is it a topic of a model's chunks, which belongs to no device?
constexpr bool is_chunk(TopicKind kind) noexcept {
  return kind == TopicKind::kModel || kind == TopicKind::kReleaseModel;
}

/// Number of topics ("slots") that models, and releases, take in turn. A new topic for each model would fill the
/// broker's memory.
inline constexpr uint32_t kModelSlots = 2;

/// The slot of the model after `rounds` rounds. Models alternate, so that late chunks of the previous model do not
/// arrive in the slot of the next.
constexpr uint32_t model_slot(uint32_t rounds) noexcept { return rounds % kModelSlots; }

/// Every chunk of a model in one subscription: the last level is '+'.
inline constexpr uint32_t kAllChunks = 0xffffffffU;

inline constexpr size_t kMaxTopicBytes = 256;

/// Largest part of a model file in one message, and of a chain of patches with the head in front of it:
/// docs/protocol.md, section 1.
inline constexpr size_t kModelChunkBytes = 4096;
/// The smallest that a task or a release may name; those between are multiples of kModelChunkUnit, the largest that a
/// flash is programmed in, so that chunks can be stored in any order.
inline constexpr size_t kLeastModelChunkBytes = 256;
inline constexpr size_t kModelChunkUnit = 32;
/// May a task or a release say that the model's parts have `bytes`? 0 is kModelChunkBytes.
constexpr bool is_model_chunk_size(uint32_t bytes) noexcept {
  return bytes == 0 || (bytes >= kLeastModelChunkBytes && bytes <= kModelChunkBytes && bytes % kModelChunkUnit == 0);
}
/// In front of a part of a model file: whose it is, the first 8 bytes of the model's digest.
inline constexpr size_t kModelHeadBytes = 8;
/// In front of a part of a chain: to which model the chain leads, and where in the chain the part begins.
inline constexpr size_t kPatchHeadBytes = 12;

/// A topic, taken apart. `fleet` and `device_id` are valid ids.
struct Topic {
  TopicKind kind = TopicKind::kState;
  Span<const char> fleet;
  Span<const char> device_id;  ///< all kinds but chunks: is_chunk()
  uint32_t slot = 0;           ///< of a chunk: below kModelSlots
  uint32_t chunk = 0;          ///< its number
};

/// Writes the name and a final 0. @returns its length, or 0 when it does not fit in `out`.
size_t format_topic(const Topic& topic, Span<char> out) noexcept;

/// Takes a received topic apart; views point into `name`. False for anything that is not exactly one of ours.
bool parse_topic(Span<const char> name, Topic& topic) noexcept;

/// What is_valid_id() asks for, for people. The length is limits::kMaxIdBytes.
inline constexpr const char* kIdRule = "1..64 of A-Z a-z 0-9 - _ .";

/// May this be the name of a fleet or a device? kIdRule says the rule to people.
bool is_valid_id(Span<const char> id) noexcept;

}  // namespace skink::wire
