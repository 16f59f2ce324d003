#pragma once
/// @file
/// Messages on the state topics of devices, and the challenges that answer them: docs/protocol.md, section 2, Presence.
/// Used with and without a run. No I/O.

#include <cstdint>
#include <string_view>

#include "skink/common/wire/messages.hpp"
#include "skink/coordinator/core/actions.hpp"
#include "skink/coordinator/core/device_book.hpp"

namespace skink::coordinator {

/// What such a message is, if it is anything.
struct StateMessage {
  /// kNothing: not authentic, of other versions, of a revoked device; it was counted.
  enum class Kind { kNothing, kWill, kBirth };
  Kind kind = Kind::kNothing;
  wire::State birth{};  ///< kBirth
};

/// Reads any bytes. What is refused is counted and costs no memory.
StateMessage read_state(const DeviceBook& devices, std::string_view device_id, Bytes message, RefusalCounts& refused);

/// The message that asks a device to answer its challenge.
Publish challenge_for(const KnownDevice& device);

}  // namespace skink::coordinator
