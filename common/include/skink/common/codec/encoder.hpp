#pragma once
/// @file
/// The device's side of a codec: encodes w - phi without a second copy of the model, reading phi from wherever it is
/// kept, and computes what is left over. No heap; exact: the same bytes on every target. docs/codec.md.

#include "skink/common/codec/codec.hpp"
#include "skink/common/status.hpp"

namespace skink::codec {

/// Numbers that are read in pieces from wherever they are kept.
struct NumberSource {
  void* context = nullptr;
  /// Fills `out` with numbers [first, first + out.size()).
  Status (*read)(void* context, size_t first, Span<float> out) = nullptr;
  const float* in_place = nullptr;  ///< all of them, where they lie in memory: then `read` is not called
};

/// Numbers that are written in pieces, in order from 0, to wherever they are kept.
struct NumberSink {
  void* context = nullptr;
  Status (*write)(void* context, size_t first, Span<const float> numbers) = nullptr;
};

/// What is encoded: (parameters - phi) + residual. Borrowed as long as the encoder is used.
struct Change {
  const nn::Network* network = nullptr;
  NumberSource phi;                 ///< [P]
  Span<const float> parameters;     ///< w, [P], or [trainable_count]: those that move, one after the other
  const float* residual = nullptr;  ///< [trainable_count]; null where there is none
  NumberSource stored_residual;     ///< instead of `residual`, where it is not in memory; `read` null: it is not
};

class DenseCoder;
struct Segment;

/// Encodes one change, as often as wanted and in any parts.
class Encoder {
 public:
  /// Prepares a change for reading. Checks that it is finite and computes each tensor's scale; with a selection or a
  /// range coder it writes all encoded bytes into `state`. One to three passes over the change.
  ///
  /// @param[in] state  4-byte aligned, at least state_bytes(); borrowed as long as the encoder is used.
  /// @returns kOk; kNotFinite when a number of the change is NaN or infinite; kBufferTooSmall when `state` is smaller
  ///          than state_bytes(); what a source returned. On errors the encoder must be begun again before use.
  Status begin(const Codec& codec, const Change& change, const Key& key, MutableBytes state) noexcept;

  /// Bytes of the encoded change; valid after begin() returned kOk.
  size_t size() const noexcept { return size_; }

  /// Bytes [offset, offset + out.size()) of the encoded change; the caller stays inside size(). The same bytes however
  /// the whole is cut into parts. About 1.1 KB of stack.
  /// @returns kOk, or what a source returned.
  Status read(size_t offset, MutableBytes out) noexcept;

  /// Computes the next residual of error feedback: r' = x - x', what quantization and selection lost (docs/codec.md,
  /// section 8), trainable_count numbers. About 2.2 KB of stack.
  /// @returns kOk, or what a source or the sink returned; the sink may have taken some numbers by then. kDamaged when
  ///          `state` was changed since begin().
  Status leave(const NumberSink& sink) noexcept;

  /// The same into memory. `residual` may be the memory that the change reads its residual from; then this encoder must
  /// be begun again before it is read again.
  ///
  /// @param[out] residual  [trainable_count]; unspecified on errors.
  /// @returns kOk, or what a source returned; kDamaged as above; kShapeMismatch when it is too small.
  Status leave(Span<float> residual) noexcept;

 private:
  Status scan() noexcept;
  Status scan_tensors() noexcept;
  Status check() const noexcept;
  Status check_each() const noexcept;
  Status store_range() noexcept;
  Status leave_zeros(const NumberSink& sink) const noexcept;
  Status leave_unselected(const NumberSink& sink) noexcept;
  uint16_t scale_of(DenseCoder& coder, const Segment& segment, Span<float> x) const noexcept;

  Codec codec_;
  Change change_;
  Key key_;
  size_t size_ = 0;
  MutableBytes state_;
  bool stored_ = false;  ///< all encoded bytes are in state_
  uint16_t scales_[2 * nn::kMaxLayers] = {};
};

}  // namespace skink::codec
