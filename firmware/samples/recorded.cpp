/// @file
/// Samples of the board's recording partition: what a device without sensors adapts to (skink-sim record).

#include "skink/edge/recording.hpp"
#include "skink/firmware/app.hpp"
#include "skink/firmware/console.hpp"
#include "skink/firmware/port.hpp"

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

uint64_t turn(Device& /*device*/, uint64_t /*now_ms*/) noexcept { return ~uint64_t{0}; }

}  // namespace skink::firmware
