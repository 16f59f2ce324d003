/// @file
/// Samples of the board's recording partition: what a device without sensors adapts to (skink-sim record). An image may
/// adapt to samples of its own between rounds (SKINK_ADAPT_PASSES), which the recording then has (--personal).

#include "skink/edge/recording.hpp"
#include "skink/firmware/app.hpp"
#include "skink/firmware/console.hpp"
#include "skink/firmware/device.hpp"
#include "skink/firmware/port.hpp"

/// After each result that the coordinator took, the device adapts to its own samples: so many passes at a learning rate
/// of SKINK_ADAPT_MILLIONTHS / 10^6. 0 passes: never.
#ifndef SKINK_ADAPT_PASSES
#define SKINK_ADAPT_PASSES 0
#endif
#ifndef SKINK_ADAPT_MILLIONTHS
#define SKINK_ADAPT_MILLIONTHS 2000
#endif

namespace skink::firmware {

edge::SampleSource samples() noexcept {
  static edge::Recording recording;
  const Status status = recording.open(port::recording_partition());
  if (status == Status::kOk) {
    print("samples: a recording of {} tasks, {} inputs", recording.tasks(), recording.input_size());
  } else {
    print("samples: no recording ({}); tasks will be refused", status_text(status));
  }
  return recording.source();
}

#if SKINK_ADAPT_PASSES != 0

uint64_t turn(Device& device, uint64_t /*now_ms*/) noexcept {
  static uint32_t seen = 0;
  const uint32_t accepted = device.client().counters().accepted;
  if (accepted == seen) return ~uint64_t{0};
  seen = accepted;
  const Status status = device.adapt_now({SKINK_ADAPT_MILLIONTHS / 1e6F, SKINK_ADAPT_PASSES, 1});
  if (status != Status::kOk) print("personal: no adaptation now: {}", status_text(status));
  return ~uint64_t{0};
}

#else

uint64_t turn(Device& /*device*/, uint64_t /*now_ms*/) noexcept { return ~uint64_t{0}; }

#endif

}  // namespace skink::firmware
