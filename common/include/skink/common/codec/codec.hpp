#pragma once
/// @file
/// What a codec is called, what it does, and how many bytes it needs. Encoding: encoder.hpp; decoding: decoder.hpp.
/// Every bit: docs/codec.md.

#include <stddef.h>
#include <stdint.h>

#include "skink/common/limits.hpp"
#include "skink/common/nn/network.hpp"
#include "skink/common/span.hpp"

/// 1: this build has the codecs eden:1..4. 0: their names are none (a device refuses such tasks with UNKNOWN_CODEC, and
/// patches in them, after which it gets the whole model), and an image holds none of the code.
#ifndef SKINK_CODEC_EDEN
#define SKINK_CODEC_EDEN 1
#endif
/// The same of topk.
#ifndef SKINK_CODEC_TOPK
#define SKINK_CODEC_TOPK 1
#endif

namespace skink::codec {

/// How the numbers of a change are coded: docs/codec.md, sections 3 to 5.
enum class Quantizer : uint8_t { kFloat32 = 1, kInt8 = 2, kInt4 = 3, kTernary = 4, kSign = 5, kEden = 6 };

/// A scale for every tensor, or for every kBlock numbers. After top-k there is one scale.
enum class Grouping : uint8_t { kTensor, kBlock };

/// How a number between two levels is rounded: int8, int4 and ternary only.
enum class Rounding : uint8_t { kStochastic, kNearest };

inline constexpr size_t kBlock = 256;  ///< numbers of a block
inline constexpr size_t kMaxNameBytes = limits::kMaxCodecNameBytes;
inline constexpr uint32_t kAllPpm = 1000000;  ///< top_ppm of all numbers

/// A codec, taken apart. parse() makes sound ones.
struct Codec {
  Quantizer quantizer = Quantizer::kFloat32;
  Grouping grouping = Grouping::kTensor;
  Rounding rounding = Rounding::kStochastic;
  uint8_t bits = 0;      ///< eden: 1..4
  uint32_t top_ppm = 0;  ///< survivors in millionths of all numbers; 0: no selection
  bool range = false;    ///< range coder where it is shorter
  bool error_feedback = false;

  /// Is there a top-k selection?
  bool selects() const noexcept { return SKINK_CODEC_TOPK != 0 && top_ppm != 0; }
  /// Is it one of eden's?
  bool is_eden() const noexcept { return SKINK_CODEC_EDEN != 0 && quantizer == Quantizer::kEden; }
};

/// Why a text is no codec: where, and what would be allowed there. Static storage.
struct NameError {
  size_t position = 0;
  const char* reason = "";
};

/// The codec of a name. Accepts what docs/codec.md, section 1, calls a name, and nothing else, so that equal codecs
/// have equal names.
///
/// @param[in]  name   zero-terminated; any bytes.
/// @param[out] codec  untouched when the result is false.
/// @param[out] error  written when the result is false.
bool parse(const char* name, Codec& codec, NameError& error) noexcept;
bool parse(const char* name, Codec& codec) noexcept;

/// Bytes of the longest encoded change of a network; of every one, when the codec has a fixed length (no top-k, no
/// range coder).
size_t encoded_bytes(const Codec& codec, const nn::Network& network) noexcept;
bool has_fixed_length(const Codec& codec) noexcept;

/// Bytes of memory, a multiple of 4, that encoding needs beside parameters: 0 where the encoded bytes can be computed
/// piece by piece, otherwise room for all of them.
size_t state_bytes(const Codec& codec, const nn::Network& network) noexcept;

/// Bytes of memory, a multiple of 4, in which a device receives whole patches and writes models piece by piece
/// (docs/codec.md, section 9); beside the parameters.
size_t patch_bytes(const Codec& codec, const nn::Network& network) noexcept;

/// Bytes of a residual in memory: 4 for every trainable parameter with error feedback, else 0.
size_t residual_bytes(const Codec& codec, const nn::Network& network) noexcept;

/// Most numbers that top-k keeps: top_ppm millionths of `trainable`, rounded half up, at least 1. Fewer survive when
/// there are not as many of magnitude 2^-126 or more (docs/codec.md, section 6).
uint32_t survivor_count(const Codec& codec, size_t trainable) noexcept;

/// In place of a device index: the coordinator's own steps (docs/codec.md, section 9).
inline constexpr uint32_t kCoordinator = 0xffffffff;

/// What addresses the random words of one encoded change (docs/codec.md, section 2).
struct Key {
  uint64_t seed = 0;
  uint32_t round = 0;
  uint32_t device = 0;
};

}  // namespace skink::codec
