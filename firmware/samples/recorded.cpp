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

}  // namespace skink::firmware
