#pragma once
/// @file
/// Writes what top-k selects. Private to the codecs; docs/codec.md, sections 6 and 7.

#include "pieces.hpp"
#include "skink/common/codec/encoder.hpp"
#include "top_k.hpp"

namespace skink::codec {

/// Selects, then writes positions and values in the shortest of three ways.
class TopKWriter {
 public:
  TopKWriter(const Codec& codec, const Change& change, const Key& key, MutableBytes out) noexcept
      : codec_(codec),
        change_(change),
        key_(key),
        out_(out),
        trainable_(static_cast<uint32_t>(change.network->trainable_count())),
        selector_(survivor_count(codec, trainable_)) {}

  /// @returns kOk; kNotFinite; what a source returned. `written` is the length.
  Status write(size_t& written) noexcept;

 private:
  /// Also finds the scale of levels.
  Status select() noexcept;
  uint32_t value_of(ScalarQuantizer& quantizer, float x, uint32_t ordinal) const noexcept;
  /// One pass, which writes as the mode says. In that of Rice the coder counts its bytes, too. Optimization: a pass of
  /// its own would take 12 instructions a number more.
  Status write_as(uint8_t mode) noexcept;

  Codec codec_;
  const Change& change_;
  Key key_;
  MutableBytes out_;
  uint32_t trainable_;
  Selector selector_;
  size_t header_ = 0;
  size_t packed_bytes_ = 0;
  size_t coded_bytes_ = 0;
  uint16_t scale_ = 0;
  float mean_ = 0.0F;
};

}  // namespace skink::codec
