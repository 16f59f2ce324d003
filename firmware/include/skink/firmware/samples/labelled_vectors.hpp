#pragma once
/// @file
/// Labelled samples that somebody shows a device (a button is held while five of them are made), in RAM, as what the
/// device adapts to; and where in a stream of windows a sample begins. All of this belongs to the main loop; nothing is
/// ISR-safe.
///
/// An application reaches its samples through add(), is_complete() and source() only, so that a store that survives a
/// reset can take the place of LabelledVectors.

#include <stddef.h>
#include <stdint.h>

#include "skink/edge/platform/samples.hpp"

namespace skink::firmware {

/// How many of which.
struct LabelledVectorsSpec {
  uint32_t labels = 0;   ///< 2..kMaxLabels
  uint32_t support = 0;  ///< samples of each label that are adapted to, 1..255
  uint32_t query = 0;    ///< samples of each label that are held back to judge by, 0..255
  uint32_t size = 0;     ///< numbers of a sample, 1..65535
};

/// The newest samples of every label. Of support + query that come in a row the last `query` are held back.
///
/// A task, and adapting, read the samples again and again until they are done: call add() only while the device has no
/// work.
class LabelledVectors {
 public:
  static constexpr uint32_t kMaxLabels = 16;

  /// Floats that begin() borrows: all samples.
  static constexpr size_t memory_count(const LabelledVectorsSpec& spec) noexcept {
    return size_t{spec.labels} * (size_t{spec.support} + spec.query) * spec.size;
  }

  /// Begins, empty.
  /// @param[in] memory  at least memory_count(spec), caller-owned; borrowed for the life of this.
  /// @returns kOk; kInvalidArgument for a number out of range; kBufferTooSmall. On an error nothing changes.
  Status begin(const LabelledVectorsSpec& spec, Span<float> memory) noexcept;

  /// Keeps a copy in place of the label's oldest sample of its kind.
  /// @param[in] label   0..labels - 1
  /// @param[in] vector  [size], finite
  /// @returns kOk; kInvalidArgument for another label; kShapeMismatch for another size; kNotFinite. On an error nothing
  ///          is kept.
  Status add(uint8_t label, Span<const float> vector) noexcept;

  /// Samples that a label has, at most support + query; 0 for no label.
  uint32_t count(uint8_t label) const noexcept;
  /// Has every label as many as there are places?
  bool is_complete() const noexcept;

  /// begin() is kUnavailable before is_complete(); any task gets the same samples, the first of each label first.
  /// Borrows this.
  edge::SampleSource source() noexcept;

 private:
  Span<float> place(uint32_t label, uint32_t index) const noexcept;
  const float* at(edge::SampleSet set, uint32_t index) const noexcept;
  static Status begin_task(void* context, const edge::TaskRequest& request, edge::SampleCounts& counts);
  static Status input(void* context, edge::SampleSet set, uint32_t index, Span<float> stored);
  static float target(void* context, edge::SampleSet set, uint32_t index, uint32_t output);

  LabelledVectorsSpec spec_;
  Span<float> memory_;
  uint32_t added_[kMaxLabels] = {};
};

/// Where something is heard, or moves: a window whose level is above a threshold begins an event of a fixed number of
/// windows. The next one begins after a pause.
class OnsetGate {
 public:
  /// What a window is.
  enum class Window : uint8_t {
    kQuiet,   ///< of no event
    kBegins,  ///< the first of an event
    kGoesOn,  ///< another of it
  };

  /// @param[in] threshold  of the level, in its unit
  /// @param[in] windows    of an event, at least 1
  /// @param[in] pause      windows in a row below the threshold after an event, before another begins
  OnsetGate(float threshold, uint32_t windows, uint32_t pause) noexcept
      : threshold_(threshold), windows_(windows), pause_(pause) {}

  /// Takes a window's level, of any value; NaN is not above the threshold.
  Window add(float level) noexcept;
  /// There was a gap: an event that had begun is none.
  void reset() noexcept { left_ = 0; }

 private:
  float threshold_;
  uint32_t windows_;
  uint32_t pause_;
  uint32_t left_ = 0;   ///< windows of the event
  uint32_t quiet_ = 0;  ///< windows of a pause that are still needed
};

}  // namespace skink::firmware
