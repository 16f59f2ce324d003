#pragma once
/// @file
/// The compressed downlink on the device: the model in the slot and a chain of patches make the next model
/// (docs/codec.md, section 9). The parameters are patched in the arena as the chain's bytes come; only when the new
/// model has the hash that the task names is it written to the slot.

#include <stddef.h>
#include <stdint.h>

#include "skink/common/codec/codec.hpp"
#include "skink/common/model/model_file.hpp"
#include "skink/common/span.hpp"
#include "skink/common/status.hpp"

namespace skink::edge {

/// One chain at a time, parsed byte by byte. Not copyable while a chain comes.
class ModelPatch {
 public:
  /// Makes ready for the first byte of a chain.
  ///
  /// @param[in] base    the model in the slot, which `phi` reads; borrowed until the new model is written. Its network
  /// is
  ///                    narrowed to what the chain changes, and left so.
  /// @param[in] memory  4-byte aligned; for the parameters and codec::patch_bytes(). Nothing of it is touched before
  /// the first
  ///                    byte.
  void begin(model::ModelInfo& base, const model::ByteSource& phi, uint64_t seed, MutableBytes memory) noexcept;

  /// Forgets the bytes that were added: the same chain comes again from its first byte.
  void restart() noexcept;

  /// The chain's next bytes, cut anywhere.
  ///
  /// @returns kOk; kBufferTooSmall or, not aligned, kInvalidArgument for memory; kUnavailable when phi cannot be read;
  /// anything else: this is not a chain
  ///          for this model. After an error the object must be begun again.
  Status add(Bytes bytes) noexcept;

  /// Bytes of the chain that were added.
  uint32_t size() const noexcept { return size_; }

  /// All bytes are added: what they made.
  /// @returns kOk; kDamaged when the chain ends in the middle of a patch; kNotFinite.
  Status finish() noexcept;

  /// After finish(): the new model, as long as the memory stays as it is.
  const model::FileImage& file() const noexcept { return file_; }
  /// After finish(): memory for pieces of the file, codec::patch_bytes(). Borrowed from the arena.
  MutableBytes buffer() const noexcept { return buffer_; }

 private:
  enum class Reading : uint8_t { kNameLength, kName, kFrozen, kRound, kLength, kPatch };

  Status take(uint8_t byte) noexcept;
  Status finish_head() noexcept;
  Status apply() noexcept;

  model::ModelInfo* base_ = nullptr;
  model::ByteSource phi_;
  uint64_t seed_ = 0;
  MutableBytes memory_;
  Span<float> parameters_;
  MutableBytes buffer_;
  model::FileImage file_;

  Reading reading_ = Reading::kNameLength;
  uint32_t size_ = 0;
  char name_[codec::kMaxNameBytes + 1] = {};
  codec::Codec codec_;
  uint32_t frozen_ = 0;  ///< tensors that no patch of the chain changes
  uint32_t round_ = 0;
  uint32_t number_ = 0;  ///< of seven-bit groups, as far as it was read; then the length of the patch
  uint8_t shift_ = 0;
  uint32_t wanted_ = 0;  ///< bytes of the name or patch that are to come
  uint32_t have_ = 0;
};

}  // namespace skink::edge
