#pragma once
/// @file
/// Decoding is total: any bytes give a change or an error, in time and memory that the network bounds. docs/codec.md.

#include "skink/common/codec/codec.hpp"
#include "skink/common/status.hpp"

namespace skink::codec {

/// Decodes a whole change.
///
/// @param[out] change  [P]; frozen parameters get 0. Unspecified on errors.
/// @returns kOk; kShapeMismatch when the length cannot be that of such a change, or change.size() is not P; kDamaged
///          for bytes that no encoder writes. Numbers of a float32 change are not checked here.
Status decode(const Codec& codec, const nn::Network& network, const Key& key, Bytes encoded,
              Span<float> change) noexcept;

/// Takes a change as it is decoded.
struct ChangeSink {
  void* context = nullptr;
  /// Numbers of the parameters first, first + 1, ...: 1 to kBlock of them. Parameters ascend; those that are left out
  /// are 0.
  void (*put)(void* context, uint32_t first, Span<const float> numbers) noexcept = nullptr;
};

/// The same piece by piece, without memory for the whole; what a selection leaves out is not even visited. An error may
/// come after pieces. About 1.1 KB of stack.
/// @returns kOk, kShapeMismatch (length only) or kDamaged, as above.
Status decode(const Codec& codec, const nn::Network& network, const Key& key, Bytes encoded,
              const ChangeSink& sink) noexcept;

/// Decodes and adds: parameters[e] = parameters[e] + change[e], zeros without a sign. For changes that are known to
/// decode.
///
/// @param[in,out] parameters  [P]; unchanged on kShapeMismatch of its size, else an error may leave part of the change
///                            added.
/// @returns as the first decode().
Status apply(const Codec& codec, const nn::Network& network, const Key& key, Bytes encoded,
             Span<float> parameters) noexcept;

}  // namespace skink::codec
