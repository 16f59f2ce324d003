#pragma once
/// @file
/// What a client is made from: who the device is, its memory, its samples, its storage; and what it counts.
/// Compile-time options: config.hpp.

#include <stdint.h>

#include "skink/common/model/model_file.hpp"
#include "skink/common/span.hpp"
#include "skink/common/wire/messages.hpp"
#include "skink/edge/platform/release_store.hpp"
#include "skink/edge/platform/samples.hpp"
#include "skink/edge/platform/vector_store.hpp"

namespace skink::edge {

/// Diagnostics that a birth message carries; no decision depends on them. The port keeps them up to date, from the
/// thread that calls the client.
struct Health {
  uint32_t battery_percent = 255;  ///< 0..100; 255: mains powered, or not known
  uint32_t reset_reason = 0;       ///< the port's own number; 0: not known
  uint32_t free_bytes = 0;         ///< RAM that nothing uses, without the arena; 0: not known
  uint32_t stack_used_bytes = 0;   ///< high-water mark since the reset; 0: not known
};

/// Identity, memory and retry times. What pointers and spans refer to is borrowed for the client's life.
struct ClientConfig {
  wire::Identity identity;  ///< device id (1..64 bytes, docs/protocol.md, section 1) and device key
  /// Working memory; its size is announced at birth. Up to 3 bytes before the first multiple of 4 are neither used nor
  /// counted. A task that needs more is refused with DOES_NOT_FIT.
  MutableBytes arena;
  Bytes release_key;  ///< who signs releases: an uncompressed P-256 point, 65 bytes. Empty: the device takes none
  const char* firmware = "";        ///< zero-terminated, for people; cut after 32 bytes
  const Health* health = nullptr;   ///< null: nothing is known
  uint32_t retry_ms = 4000;         ///< first wait for a chunk or a reply, ms; doubles with every retry
  uint32_t retry_limit_ms = 60000;  ///< longest wait, ms, before up to a quarter of jitter
  uint64_t jitter_seed = 0;         ///< spreads the retries of a fleet; any value, has no influence on a model
};

/// Storage and samples, called synchronously from inside the client's functions. Contexts are borrowed for the
/// client's life.
struct Platform {
  /// Reads the model slot, of which `size` is the capacity in bytes. `read` must be set unless `size` is 0.
  model::ByteSource model;
  SampleSource samples;     ///< with a callback unset, every task is refused with NO_DATA
  VectorStore residuals;    ///< for error feedback where the arena has no room; none: such tasks are refused
  ReleaseStore releases{};  ///< none: the device takes no releases
  VectorStore personal{};   ///< keeps what adapt_now() came to; none: a reset and each task forget it
};

/// Client::adapt_now(). Passes 0: what the model file says.
using AdaptSettings = model::Adaptation;

/// Since construction; wrap at 2^32.
struct ClientCounters {
  uint32_t tasks = 0;                   ///< begun
  uint32_t repeats = 0;                 ///< answered again without adapting again
  uint32_t adapted = 0;                 ///< ended with an encoded change
  uint32_t evaluated = 0;               ///< ended with an evaluation report
  uint32_t diverged = 0;                ///< ended with a loss or parameters that are not finite
  uint32_t accepted = 0;                ///< ACCEPTED replies
  uint32_t refused_by_coordinator = 0;  ///< REFUSED replies
  uint32_t retries = 0;                 ///< waits for chunks, patches or replies that passed in vain
  uint32_t patched = 0;                 ///< models made from patches
  uint32_t patches_failed = 0;          ///< chains that did not come or did not fit: the model came as a whole
  uint32_t releases = 0;                ///< kept
  uint32_t judgements = 0;              ///< of a kept release, or for adapt_now(), by the device's own samples
  uint32_t personal_kept = 0;           ///< adapted weights that Platform::personal keeps since
  uint32_t personal_lost = 0;           ///< adapted weights that it failed to keep: a reset or a task forgets them
  uint32_t wrong_authentication = 0;    ///< tasks, replies and releases with a wrong or missing code
  uint32_t damaged_messages = 0;        ///< such messages with a right code that cannot be read
  uint32_t refused[wire::kRefusalCount] = {};  ///< tasks and releases that this client refused, by wire::Refusal
};

}  // namespace skink::edge
