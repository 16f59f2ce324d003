#pragma once
/// @file
/// What passes between a client and its port: the actions that the client asks for, and the pieces of messages on model
/// and patch topics, which arrive in parts where a transport has little memory. The calls that take and give them are
/// in client.hpp; topics and message layouts in docs/protocol.md, section 1.

#include <stdint.h>

#include "skink/common/crypto/crypto.hpp"
#include "skink/common/span.hpp"
#include "skink/common/wire/topics.hpp"

namespace skink::edge {

/// What a port is asked to do.
enum class ActionKind : uint8_t {
  kSubscribe,    ///< to Action::topic, QoS 1
  kUnsubscribe,  ///< from Action::topic
  kPublish,      ///< Action::payload on Action::topic, QoS 1; then Client::on_published()
  kStoreModel,   ///< write Action::payload as Action::write says; then Client::on_model_stored()
  /// Make the release that Action::release describes the one that is kept, so that a loss of power leaves the old one
  /// or this one; then Client::on_release_kept(), before any other call of the client.
  kKeepRelease,
  /// Ask the broker for a sign of life (PINGREQ) and call Client::on_probe_answered() when it comes: then what it had
  /// sent before is there too. A port that cannot, or whose link is never slow, calls it at once.
  kProbe,
};

/// Where a device keeps models.
enum class ModelStoreKind : uint8_t {
  kModel,    ///< the model slot: Platform::model
  kRelease,  ///< the release that comes: Platform::releases.coming
};

/// kKeepRelease: what is to be kept.
struct ReleaseToKeep {
  uint32_t number = 0;  ///< with the model's digest (Action::model) what Client::restore_release() needs after a reset
  uint32_t bytes = 0;   ///< length of the file
  bool copies = false;  ///< the file stands in the model slot: copy it from there first. Else it was stored already
};

/// Where bytes of a model belong, and what they complete. A port writes in the order in which it was given the
/// writes, and hands each back, unchanged, to Client::on_model_stored() once it has ended, however late.
struct ModelWrite {
  uint32_t offset = 0;           ///< first byte, from the begin of the model's file
  uint32_t download = 0;         ///< number of the download that the bytes belong to; the client's own
  uint32_t chunk = 0;            ///< of the model, from 0
  bool completes_chunk = false;  ///< these are the chunk's last bytes
  ModelStoreKind store = ModelStoreKind::kModel;
};

/// One thing to do.
struct Action {
  ActionKind kind = ActionKind::kPublish;
  wire::TopicKind topic = wire::TopicKind::kState;  ///< kSubscribe, kUnsubscribe, kPublish
  crypto::Digest model;  ///< kStoreModel, kKeepRelease: of the whole file that the bytes belong to
  uint32_t slot = 0;     ///< topics of chunks: 0 or 1
  uint32_t chunk = 0;    ///< topics of chunks; wire::kAllChunks: every chunk of the slot
  /// Borrowed from the client. kPublish: until on_published(); kStoreModel: until on_model_stored().
  Bytes payload;
  bool retain = false;    ///< kPublish: the MQTT flag
  ModelWrite write;       ///< kStoreModel; offsets ascend from 0
  ReleaseToKeep release;  ///< kKeepRelease
};

/// A piece of a model chunk as it arrives, without the head of its message (ModelMessage).
struct ModelPiece {
  uint64_t model = 0;        ///< crypto::prefix_of() the model's digest
  uint32_t chunk = 0;        ///< of the model, from 0
  uint32_t offset = 0;       ///< of this piece in its chunk, bytes
  uint32_t chunk_bytes = 0;  ///< length of the whole chunk
  uint32_t piece_bytes = 0;  ///< length of this piece
};

/// A piece of a message on the client's own patch topic. Pieces of one message come in order, from offset 0.
struct PatchPiece {
  uint32_t offset = 0;  ///< in the message, bytes
  Bytes bytes;          ///< borrowed for the call
};

}  // namespace skink::edge
