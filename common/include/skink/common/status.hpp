#pragma once
/// @file
/// The one error type of the freestanding layers. Hosts see it as a boost error category
/// (`skink/host/result.hpp`).

#include <stdint.h>

namespace skink {

/// The outcome of a call. Each contract says which of these it returns, and when.
enum class [[nodiscard]] Status : uint8_t{
    kOk = 0,
    kInvalidArgument = 1,      ///< A value is out of the range its contract states.
    kShapeMismatch = 2,        ///< Sizes do not belong together.
    kBufferTooSmall = 3,       ///< The caller's memory is smaller than the companion `*_bytes()` says.
    kNotFinite = 4,            ///< A loss, gradient or parameter is NaN or infinite.
    kUnsupported = 5,          ///< Well formed, but this build has no such layer, codec or version.
    kTruncated = 6,            ///< The bytes end before the structure does.
    kDamaged = 7,              ///< A digest, magic number or length does not agree with the content.
    kNewerVersion = 8,         ///< Written by a later version of the format.
    kWrongAuthentication = 9,  ///< The authentication code is not the key's.
    kUnavailable = 10,         ///< A callback could not deliver (storage, samples).
};

/// A short English phrase for logs; static storage.
const char* status_text(Status status) noexcept;

}  // namespace skink
