#pragma once
/// @file
/// The transcript of a run: what the real world added to it. With the experiment and the roster it determines the
/// model's hash.

#include <cstdint>
#include <string>

#include "skink/common/wire/messages.hpp"

namespace skink::coordinator {

/// What the real world added to a run. Stored before it takes effect, and enough to replay the run.
enum class EventKind : std::uint8_t {
  kReplaced = 1,  ///< slot: the device at `device_index` takes over with `attempt`; `reason` as kDropped
  kDropped = 2,   ///< slot: contributes nothing, nobody was left to replace the device
  kDiverged = 3,  ///< slot: the device reported divergence (a function of the experiment; kept for the reader)
  kRefused = 4,   ///< slot: the update was refused and contributes nothing; `reason` says why
  kMissing = 5,   ///< evaluation: a held-out device did not report in time
  kLateJoin = 6,  ///< a device appeared after the roster was frozen and waits for the next run
  kForgot = 7,    ///< slot: the device had lost its residual (error feedback) and began with zeros
  kSamples = 8,   ///< slot: the device adapted to `support_samples`, fewer than the task has, and weighs less
};
const char* event_text(EventKind kind);

/// One entry of the transcript.
struct TranscriptEvent {
  std::uint32_t round = 0;
  EventKind kind = EventKind::kReplaced;
  std::uint32_t slot = 0;
  std::uint32_t device_index = 0;
  std::uint32_t attempt = 0;
  wire::Refusal reason = wire::Refusal::kNone;
  std::string detail;                 ///< for people
  std::uint32_t support_samples = 0;  ///< kSamples
};

}  // namespace skink::coordinator
