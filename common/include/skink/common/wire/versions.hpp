#pragma once
/// @file
/// What must agree before two parts of Skink talk. Each travels in birth, task, model file and summary.

#include <stdint.h>

#include "skink/common/arithmetic/real.hpp"

namespace skink::wire {

inline constexpr uint16_t kProtocolVersion = 4;     ///< docs/protocol.md
inline constexpr uint16_t kCodecVersion = 2;        ///< docs/codec.md
inline constexpr uint16_t kModelFormatVersion = 3;  ///< docs/model-file.md: of a file with an adaptation
inline constexpr uint16_t kPlainModelFormat = 2;    ///< of a file without one
/// What a model file says of the protocol: the one that its format began with. How devices talk changes no model.
inline constexpr uint16_t kModelFileProtocol = 1;
inline constexpr uint16_t kIdentityVersion = 1;  ///< docs/identity.md; a device's own flash, never sent
using arithmetic::kArithmeticVersion;

}  // namespace skink::wire
