#pragma once
/// @file
/// MQTT topic names: skink/1/<fleet>/... (docs/protocol.md). Built into and parsed from the caller's memory.

#include <stddef.h>
#include <stdint.h>

#include "skink/common/span.hpp"
#include "skink/common/wire/crypto.hpp"

namespace skink::wire {

enum class TopicKind : uint8_t { kState, kTask, kUpdate, kReply, kPatch, kModel };

/// Every chunk of a model in one subscription: the last level is '+'.
inline constexpr uint32_t kAllChunks = 0xffffffffU;

inline constexpr size_t kMaxTopicBytes = 256;

/// Largest part of a model file or of a chain of patches in one message, the head in front of a part of a chain
/// included: docs/protocol.md, section 1.
inline constexpr size_t kModelChunkBytes = 4096;
/// Of such a head: to which model the chain leads, and where in the chain the part begins.
inline constexpr size_t kPatchHeadBytes = 12;

/// A topic, taken apart. `fleet` and `device_id` are valid ids.
struct Topic {
  TopicKind kind = TopicKind::kState;
  Span<const char> fleet;
  Span<const char> device_id;  ///< all kinds but kModel
  Digest model;                ///< kModel
  uint32_t chunk = 0;          ///< kModel
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
