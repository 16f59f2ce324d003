#pragma once
/// @file
/// The model slot: alone knows whether it holds a whole, checked model, and which one. Reads it; the port writes it
/// (Action kStoreModel, Client::on_model_bytes()), after invalidate() and before verify(). The client has a second one,
/// for releases.

#include "skink/common/codec/encoder.hpp"
#include "skink/common/model/model_file.hpp"
#include "skink/common/wire/messages.hpp"

namespace skink::edge::internal {

/// The model slot as the client reads it.
class ModelSlot {
 public:
  /// @param[in] memory  reads the slot; `size` is its capacity. What it borrows is borrowed for the slot's life.
  explicit ModelSlot(const model::ByteSource& memory) noexcept;

  /// Checks the file of `bytes` bytes that the slot holds. @returns kInvalidArgument for a length of 0 or beyond the
  /// capacity, nothing is changed then; otherwise what model::inspect() says, and has_model() says whether it was kOk.
  Status open(uint32_t bytes) noexcept;
  /// From now on reads another memory; nothing of it is known until open() or verify().
  void read_from(const model::ByteSource& memory) noexcept {
    memory_ = memory;
    has_model_ = false;
  }
  /// The bytes are about to change: there is no whole model until open() or verify().
  void invalidate() noexcept { has_model_ = false; }
  /// A model was written: is it the wanted one? @returns kNone, then has_model(); or why it is refused.
  wire::Refusal verify(uint32_t bytes, const crypto::Digest& wanted) noexcept;

  /// Is this the SHA-256 of the whole file that was opened last? Also false when it cannot be read.
  bool has_content(const crypto::Digest& sha256) const noexcept;

  /// Is there a whole, checked model?
  bool has_model() const noexcept { return has_model_; }
  /// Is it the model of this digest?
  bool has_model(const crypto::Digest& digest) const noexcept { return has_model_ && info_.digest == digest; }
  /// The first 8 bytes of its digest; 0: there is no whole model.
  uint64_t prefix() const noexcept { return has_model_ ? crypto::prefix_of(info_.digest) : 0; }
  /// Of the last file that was opened.
  const model::ModelInfo& info() const noexcept { return info_; }
  model::ModelInfo& info() noexcept { return info_; }
  /// Length of that file.
  uint32_t bytes() const noexcept { return bytes_; }

  /// Reads the slot; also while it is written, then whatever stands there.
  const model::ByteSource& memory() const noexcept { return memory_; }
  /// Length of the largest model file, bytes.
  uint32_t capacity() const noexcept { return memory_.size; }
  /// phi, [P], as the encoder reads it; borrows the slot.
  codec::NumberSource parameters() noexcept;
  /// Network::freeze() of its network, for who reads it next. @returns its statuses.
  Status narrow(uint32_t frozen) noexcept { return info_.model.network.freeze(frozen); }

 private:
  static Status read_parameters(void* context, size_t first, Span<float> out) noexcept;

  model::ByteSource memory_;
  uint32_t bytes_ = 0;
  bool has_model_ = false;
  model::ModelInfo info_{};
};

}  // namespace skink::edge::internal
