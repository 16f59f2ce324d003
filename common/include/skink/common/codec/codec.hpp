#pragma once
/// @file
/// The compressed change: what a device sends of w - phi. Codecs are exact (the same bytes on every target), use no
/// heap, and encode any part of their output on demand, so that a device needs no second copy of the model. Bits of
/// each codec: docs/arithmetic.md, section 11.

#include <stddef.h>
#include <stdint.h>

#include "skink/common/arithmetic/philox.hpp"
#include "skink/common/nn/network.hpp"
#include "skink/common/span.hpp"
#include "skink/common/status.hpp"

namespace skink::codec {

enum class Codec : uint8_t { kFloat32 = 1, kInt8 = 2 };

/// The codec of a name ("float32", "int8"); false for others, `codec` is then untouched.
bool parse(const char* name, Codec& codec) noexcept;
const char* name_of(Codec codec) noexcept;

/// Every name, for error messages.
const char* names() noexcept;

/// phi, read in pieces from wherever it is kept.
struct ParameterSource {
  void* context = nullptr;
  /// Fills `out` with parameters [first, first + out.size()).
  Status (*read)(void* context, size_t first, Span<float> out) = nullptr;
};

/// Addresses the random words of stochastic rounding (docs/arithmetic.md, section 4).
struct QuantizerKey {
  uint64_t seed = 0;
  uint32_t round = 0;
  uint32_t device = 0;
};

/// Length of an encoded change; both codecs have fixed lengths.
size_t encoded_bytes(Codec codec, const nn::Network& network) noexcept;

/// Bytes of arena that encoding needs beside parameters: 0 for both codecs.
size_t state_bytes(Codec codec, const nn::Network& network) noexcept;

/// Encodes one change. Borrows network, phi and parameters until the last read().
class Encoder {
 public:
  /// One pass over the change: finds the scales, and refuses a change that is not finite.
  ///
  /// @param[in] parameters  w, [P].
  /// @returns kOk, kNotFinite, or what phi.read returned.
  Status begin(Codec codec, const nn::Network& network, const ParameterSource& phi, Span<const float> parameters,
               const QuantizerKey& key) noexcept;

  size_t size() const noexcept { return size_; }

  /// Bytes [offset, offset + out.size()) of the encoded change; the caller stays inside size().
  /// The same bytes however the whole is cut into parts.
  Status read(size_t offset, MutableBytes out) noexcept;

 private:
  void element_bytes(size_t element, float scale, uint8_t* out) noexcept;
  Status load_phi(size_t element) noexcept;
  /// The first element that is not in the block, or `end`.
  size_t block_end(size_t end) const noexcept { return phi_first_ + phi_count_ < end ? phi_first_ + phi_count_ : end; }
  void read_scales(size_t& offset, MutableBytes& out) const noexcept;

  static constexpr size_t kBlock = 32;
  Codec codec_ = Codec::kFloat32;
  const nn::Network* network_ = nullptr;
  ParameterSource phi_;
  Span<const float> parameters_;
  arithmetic::RandomStream words_{0, arithmetic::Purpose::kQuantizer, 0, 0};
  size_t size_ = 0;
  float scales_[2 * nn::kMaxLayers] = {};
  float phi_block_[kBlock] = {};
  size_t phi_first_ = 0;
  size_t phi_count_ = 0;
};

/// Decodes a whole change. Total: any bytes give a change or an error.
///
/// @param[out] change  [P]; frozen parameters get 0. Unspecified on errors.
/// @returns kOk; kShapeMismatch when the length is not encoded_bytes(); kDamaged for a scale that is negative,
///          subnormal or not finite. Elements of a float32 change are not checked here.
Status decode(Codec codec, const nn::Network& network, Bytes encoded, Span<float> change) noexcept;

}  // namespace skink::codec
