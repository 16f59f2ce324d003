#pragma once
/// @file
/// Samples from an accelerometer: readings are cut into overlapping windows, and the labelled ones are what the device
/// adapts to. Portable; the driver is not here (firmware/apps/accelerometer/sensor.hpp). docs/porting.md, "Your own
/// sensor", walks through it. All of this belongs to the main loop; nothing is ISR-safe but ReadingRing.

#include "skink/edge/platform/samples.hpp"
#include "skink/firmware/samples/reading_ring.hpp"

namespace skink::firmware {

// The experiment must say the same: [model] input is kWindowInputs, [task] ways, support_size and query_size are
// kLabels, kSupportPerLabel and kQueryPerLabel (experiments/accelerometer.toml).
inline constexpr uint32_t kWindowReadings = 32;  ///< 0.32 s at 100 Hz
inline constexpr uint32_t kWindowStride = 16;    ///< readings from one window's begin to the next one's; half overlaps
inline constexpr uint32_t kWindowInputs = 3 * kWindowReadings;
inline constexpr uint32_t kLabels = 3;
inline constexpr uint32_t kSupportPerLabel = 8;
inline constexpr uint32_t kQueryPerLabel = 2;
static_assert(kWindowStride >= 1 && kWindowStride <= kWindowReadings, "a stride must not skip readings");

/// Readings that follow each other without a gap.
struct Window {
  int16_t readings[kWindowReadings][3] = {};  ///< oldest first
  uint8_t label = 0;                          ///< what all of its readings say; kNoLabel if they differ
};

/// Network inputs of a window, [reading][axis]: count * unit, rounded once.
///
/// @param[in]  unit    what one count of the sensor is worth, so that devices with different sensors speak of the same.
/// @param[out] stored  [kWindowInputs].
/// @returns kOk; kShapeMismatch, `stored` unchanged.
Status inputs_of(const Window& window, float unit, Span<float> stored) noexcept;

/// Cuts a row of readings into windows. A gap begins a new row: no window goes across it.
class WindowCutter {
 public:
  /// Adds one reading. True: it completes a window, which window() gives until the next call.
  bool add(const Reading& reading) noexcept;
  /// The window that add() completed; else one that is half done.
  const Window& window() const noexcept { return window_; }

 private:
  Window window_;
  uint8_t labels_[kWindowReadings] = {};
  uint32_t count_ = 0;
};

/// The newest labelled windows of every label, in RAM: after a reset they must be collected anew, and tasks are refused
/// (no data) until then. Of ten windows eight go to the support set and two to the query set.
///
/// A task reads its samples again and again until it is done: call add() only while the device has no work.
class LabelledWindows {
 public:
  /// Keeps a copy in place of the label's oldest. False: its label is none of 0..kLabels - 1, nothing is kept.
  bool add(const Window& window) noexcept;
  /// Is every place taken?
  bool is_complete() const noexcept;

  /// begin() is kUnavailable before is_complete(); any task gets the same samples: this device has one task, its own.
  /// `unit` as for inputs_of().
  edge::SampleSource source(float unit) noexcept;

 private:
  static constexpr uint32_t kQueryEvery = kSupportPerLabel / kQueryPerLabel + 1;
  static_assert(kSupportPerLabel % kQueryPerLabel == 0, "one query window after so many support windows");

  const Window& at(edge::SampleSet set, uint32_t index) const noexcept;
  static Status begin(void* context, const edge::TaskRequest& request, edge::SampleCounts& counts);
  static Status input(void* context, edge::SampleSet set, uint32_t index, Span<float> stored);
  static float target(void* context, edge::SampleSet set, uint32_t index, uint32_t output);

  float unit_ = 0;
  uint32_t added_[kLabels] = {};
  Window support_[kLabels][kSupportPerLabel];
  Window query_[kLabels][kQueryPerLabel];
};

}  // namespace skink::firmware
