/// @file
/// A worked example of a device with a sensor: it collects labelled windows, takes part in the fleet with them, and
/// between rounds says of every window what motion it is. apps/client/main.cpp does the rest.

#include "sensor.hpp"
#include "skink/common/nn/training.hpp"
#include "skink/firmware/app.hpp"
#include "skink/firmware/console.hpp"
#include "skink/firmware/device.hpp"
#include "skink/firmware/samples/accelerometer.hpp"

namespace skink::firmware {
namespace {

constexpr const char* kNames[kLabels] = {"idle", "shake", "circle"};

ReadingRing ring;
WindowCutter cutter;
LabelledWindows windows;
uint32_t predictions = 0;

void predict(Device& device, const Window& window) noexcept {
  static float stored[kWindowInputs];
  float outputs[kLabels];
  Status status = inputs_of(window, sensor::kUnit, stored);
  if (status == Status::kOk) status = device.predict(stored, outputs);
  if (status == Status::kUnavailable) return;  // no model has come yet
  if (status != Status::kOk) {
    if (predictions++ == 0) print("predict: the fleet's model is not for this image: {}", status_text(status));
    return;
  }
  ++predictions;
  print("window {}: {}, true {}, {} weights", predictions, kNames[nn::argmax(outputs)],
        window.label < kLabels ? kNames[window.label] : "unknown",
        device.client().weights() == edge::Weights::kAdapted ? "adapted" : "received");
}

/// A labelled window is a sample until there are enough; all others are predicted. A task must find its samples as they
/// were, and has the arena: windows that come meanwhile are dropped.
void take(Device& device, const Window& window) noexcept {
  if (device.has_work()) return;
  if (windows.is_complete() || !windows.add(window)) {
    predict(device, window);
  } else if (windows.is_complete()) {
    print("samples: complete, {} readings lost", ring.lost());
  }
}

}  // namespace

edge::SampleSource samples() noexcept {
  sensor::start(ring);
  print("samples: {} windows of each of {} motions are wanted", kSupportPerLabel + kQueryPerLabel, kLabels);
  return windows.source(sensor::kUnit);
}

uint64_t turn(Device& device, uint64_t now_ms) noexcept {
  const uint64_t wake_ms = sensor::poll(now_ms);
  Reading reading;
  for (uint32_t i = 0; i < ReadingRing::kCapacity && ring.pop(reading); ++i) {
    if (cutter.add(reading)) take(device, cutter.window());
  }
  return wake_ms;
}

}  // namespace skink::firmware
