#pragma once
/// @file
/// Takes a message on a model topic apart: a head that says whose chunk it is, then the chunk's bytes.
/// docs/protocol.md, section 1. For ports, between their transport and Client::on_model_bytes().

#include <stddef.h>
#include <stdint.h>

#include "skink/common/wire/topics.hpp"
#include "skink/edge/client.hpp"

namespace skink::edge {

/// Reads messages of one connection, on which one comes whole before the next begins. Not ISR-safe.
class ModelMessage {
 public:
  /// A piece of a message, in order from offset 0.
  ///
  /// @param[in]  chunk          that the topic names
  /// @param[in]  offset         of the piece in the message
  /// @param[in]  message_bytes  whole length of the message
  /// @param[in]  bytes          the piece; borrowed
  /// @param[out] piece          what to ask the client about
  /// @param[out] content        the bytes of `bytes` that belong to the chunk
  /// @returns false when there are none: a part of the head, or no model message. `piece` and `content` are not set
  /// then.
  bool take(uint32_t chunk, uint32_t offset, uint32_t message_bytes, Bytes bytes, ModelPiece& piece,
            Bytes& content) noexcept;

 private:
  uint8_t head_[wire::kModelHeadBytes] = {};
};

}  // namespace skink::edge
