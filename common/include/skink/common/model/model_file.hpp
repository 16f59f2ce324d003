#pragma once
/// @file
/// The model file: layers, input normalisation, trainable mask, parameters, digest. The bytes a device downloads are
/// the bytes on disk, and the digest at their end names the model. docs/model-file.md specifies every byte.

#include <stddef.h>
#include <stdint.h>

#include "skink/common/crypto/crypto.hpp"
#include "skink/common/nn/network.hpp"
#include "skink/common/span.hpp"
#include "skink/common/status.hpp"

namespace skink::model {

/// How a stored value becomes a network's input: stored * scale + offset, each operation rounded once. One scale for
/// all, or one for each channel, or one for each number of the input: number i takes the scale at i mod count.
struct InputScale {
  size_t count = 1;
  float scale = 1.0F;  ///< where count is 1
  float offset = 0.0F;
  const float* scales = nullptr;  ///< [count] where it is more; borrowed; null in what inspect() gives
  const float* offsets = nullptr;

  /// Normalises a whole input in place.
  void apply(Span<float> input) const noexcept {
    if (count == 1) {
      for (float& value : input) value = value * scale + offset;
      return;
    }
    size_t place = 0;
    for (float& value : input) {
      value = value * scales[place] + offsets[place];
      if (++place == count) place = 0;
    }
  }
};

/// How a device may adapt the model to samples of its own without being asked.
struct Adaptation {
  float inner_learning_rate = 0.0F;  ///< alpha, finite and above 0
  uint32_t passes = 0;               ///< over the support samples, 1..limits::kMaxPasses; 0: the file does not say
  uint32_t batch_size = 1;           ///< 1..limits::kMaxBatchSize; 1 is online
};

/// Is everything in its range, with passes?
bool is_valid(const Adaptation& adaptation) noexcept;

/// Everything of a model but its parameters.
struct Model {
  nn::Network network;
  InputScale input;
  Adaptation adaptation{};
};

/// Bytes that can be read again: flash, a file, memory.
struct ByteSource {
  void* context = nullptr;
  /// Fills `out` from `offset`; kUnavailable when the storage fails. Never asked beyond `size`.
  Status (*read)(void* context, uint32_t offset, MutableBytes out) = nullptr;
  uint32_t size = 0;
  /// Where byte 0 lies at the moment, where all can be read like memory; else null.
  const uint8_t* (*in_place)(void* context) = nullptr;
};

/// A ByteSource over memory that outlives it.
ByteSource source_of(const Bytes& bytes) noexcept;

/// What inspect() learned about a model file.
struct ModelInfo {
  Model model;
  uint32_t scales_offset = 0;      ///< in the file
  uint32_t parameters_offset = 0;  ///< likewise
  crypto::Digest digest;
  nn::BuildError build_error;  ///< on kShapeMismatch, kUnsupported, kInvalidArgument from the layer list
};

/// Bytes of the model file of a network with so many input scales, without an adaptation; of a model, with what it has.
size_t model_bytes(const nn::Network& network, size_t input_scales) noexcept;
size_t model_bytes(const Model& model) noexcept;

/// A model file that is not stored: its bytes are computed when they are read.
class FileImage {
 public:
  /// Both are borrowed as long as the image is used.
  ///
  /// @param[in] parameters  [P]
  /// @returns kOk; kShapeMismatch when there are not P parameters; kNotFinite when one is not finite. After an error
  ///          the image must be begun again before use. Cost: one SHA-256 over the file.
  Status begin(const Model& model, Span<const float> parameters) noexcept;

  /// Bytes of the file, and the digest at its end, the model's hash. Valid after begin() returned kOk.
  uint32_t size() const noexcept { return size_; }
  const crypto::Digest& digest() const noexcept { return digest_; }

  /// Bytes [offset, offset + out.size()) of the file; the caller stays inside size().
  void read(uint32_t offset, MutableBytes out) const noexcept;

 private:
  void read_head(uint32_t offset, MutableBytes out) const noexcept;
  float number_at(size_t place) const noexcept;
  void read_numbers(uint32_t offset, MutableBytes out) const noexcept;

  const Model* model_ = nullptr;
  Span<const float> parameters_;
  uint32_t size_ = 0;
  crypto::Digest digest_;
};

/// Writes a model file.
///
/// @param[in]  parameters  [P], finite.
/// @param[out] out         exactly model_bytes(model) bytes.
/// @param[out] digest      the model's hash.
/// @returns kOk, kShapeMismatch when a size is wrong, kNotFinite for a parameter that is not finite.
Status encode(const Model& model, Span<const float> parameters, MutableBytes out, crypto::Digest& digest) noexcept;

/// Reads and checks a whole model file: header, layers, digest, parameters. Constant memory.
///
/// @returns kOk; kTruncated (shorter than it says, or than a header), kDamaged (magic, length or digest),
///          kNewerVersion, kUnsupported (another arithmetic, protocol or codec version, a layer this build lacks, or
///          more numbers than nn::kMaxNumbers),
///          kShapeMismatch or kInvalidArgument (the layers are not a network, or the adaptation is out of range),
///          kNotFinite, kUnavailable.
Status inspect(const ByteSource& source, ModelInfo& info) noexcept;

/// Reads the input scales of a file that inspect() accepted, where there are several.
///
/// @param[in]  info     info.model.input.count above 1.
/// @param[out] numbers  [2 * count]: the scales, then the offsets.
/// @returns kOk; kShapeMismatch for another number of them; what source.read returned (kUnavailable).
Status read_input_scales(const ByteSource& source, const ModelInfo& info, Span<float> numbers) noexcept;

/// Reads parameters [first, first + out.size()) of a file that inspect() accepted.
///
/// @param[out] out  as many as are wanted; unspecified when the source fails.
/// @returns kOk; kShapeMismatch when the range is not inside [0, P); what source.read returned (kUnavailable).
Status read_parameters(const ByteSource& source, const ModelInfo& info, size_t first, Span<float> out) noexcept;

/// The parameters [P] of a file that inspect() accepted, where they lie in memory as this machine's floats: valid as
/// long as the source's memory stays where it is. Null when the source is not memory, the parameters are not aligned to
/// 4 bytes, or the machine is big-endian: then use read_parameters().
const float* parameters_in_place(const ByteSource& source, const ModelInfo& info) noexcept;

}  // namespace skink::model
