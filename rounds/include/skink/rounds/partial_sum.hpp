#pragma once
/// @file
/// What one worker adds up of a round's changes, in 64-bit fixed point, as it decodes them. The sums of all workers are
/// the aggregator's. docs/arithmetic.md, section 8.

#include <cstdint>
#include <vector>

#include "skink/common/codec/decoder.hpp"
#include "skink/common/nn/network.hpp"
#include "skink/common/wire/messages.hpp"
#include "skink/rounds/clipping.hpp"

namespace skink::rounds {

/// A complete change as its device encoded it. Borrows the bytes.
struct EncodedChange {
  Bytes bytes;
  codec::Key key;
  std::uint32_t weight = 1;
};

/// The part of a round's sum that one worker adds up.
class PartialSum {
 public:
  /// Forgets all; keeps the memory.
  void reset() { is_empty_ = true, longer_ = 0; }
  bool is_empty() const { return is_empty_; }
  /// [P] in units of 2^-36; only if it is not empty.
  Span<const std::int64_t> sums() const { return {sums_.data(), sums_.size()}; }

  /// Changes that were taken and are longer than the usual one.
  std::uint32_t longer() const { return longer_; }

  /// Adds a change, scaled down to clip.bound if that is above 0, times its weight; nothing of one that is longer than
  /// clip.most, if that is above 0, though it is taken. The caller bounds the total weight.
  /// @param[out] norm  of the change, before that; 0 when it is not clipped, as nobody has measured it
  /// @returns kNone, or why nothing was added: kMalformed, kNotFinite, kTooLarge (an element of 128 or more).
  ///
  /// One pass over the encoded bytes, two when changes are clipped or when something was found late.
  wire::Refusal add(const codec::Codec& codec, const nn::Network& network, const Clip& clip,
                    const EncodedChange& change, double& norm);

 private:
  std::vector<std::int64_t> sums_;
  bool is_empty_ = true;
  std::uint32_t longer_ = 0;
};

/// What add() would return.
wire::Refusal check(const codec::Codec& codec, const nn::Network& network, const EncodedChange& change);

}  // namespace skink::rounds
