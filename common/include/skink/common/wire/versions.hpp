#pragma once
/// @file
/// What must agree before two parts of Skink talk. Each travels in birth, task, model file and summary.

#include <stdint.h>

#include "skink/common/arithmetic/real.hpp"

namespace skink::wire {

inline constexpr uint16_t kProtocolVersion = 2;     ///< docs/protocol.md
inline constexpr uint16_t kCodecVersion = 2;        ///< docs/codec.md
inline constexpr uint16_t kModelFormatVersion = 1;  ///< docs/model-file.md
inline constexpr uint16_t kIdentityVersion = 1;     ///< docs/identity.md; a device's own flash, never sent
using arithmetic::kArithmeticVersion;

}  // namespace skink::wire
