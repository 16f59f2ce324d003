#pragma once
/// @file
/// Windows of a sensor's readings: docs/features.md, section 1. What a sensor with an interrupt needs before it is in
/// skink/firmware/samples; what is computed of a window is in extractor.hpp.

#include <stddef.h>
#include <stdint.h>

#include "skink/common/span.hpp"
#include "skink/common/status.hpp"

namespace skink::features {

/// Version of docs/features.md: a change of any result bit changes it.
inline constexpr uint16_t kFeaturesVersion = 1;

inline constexpr uint32_t kMaxAxes = 9;
inline constexpr uint32_t kMaxWindow = 1024;       ///< readings of a window
inline constexpr float kReadingLimit = 524288.0F;  ///< 2^19; readings of this magnitude are refused
inline constexpr float kFeatureLimit = 0x1p+49F;   ///< no feature of a reading below kReadingLimit is larger

/// How readings become windows.
struct FrameSpec {
  uint32_t axes = 1;            ///< 1..kMaxAxes
  uint32_t length = 0;          ///< readings of a window, 2..kMaxWindow
  uint32_t hop = 0;             ///< readings from one window's begin to the next one's, 1..length
  float scale[kMaxAxes] = {};   ///< of each axis, finite, not 0: x = stored * scale + offset
  float offset[kMaxAxes] = {};  ///< finite
};

/// Cuts a row of readings into windows, which overlap where the hop is shorter than the window. Not ISR-safe.
class Framer {
 public:
  /// Floats that begin() borrows: length * axes, at most 9216.
  static size_t memory_count(const FrameSpec& spec) noexcept { return size_t{spec.length} * spec.axes; }

  /// Begins, without a reading.
  ///
  /// @param[in] spec    copied
  /// @param[in] memory  at least memory_count(spec), caller-owned; borrowed until the next begin() or the end of use.
  /// @returns
  /// * kOk
  /// * kInvalidArgument  a number of `spec` is out of its range.
  /// * kBufferTooSmall   `memory` is smaller than memory_count().
  /// On an error nothing changes.
  Status begin(const FrameSpec& spec, Span<float> memory) noexcept;

  /// Adds one reading.
  ///
  /// @param[in]  stored       [axes], as the sensor gives it.
  /// @param[out] is_complete  true: it completes a window, which axis() gives until the next call; false otherwise.
  /// @returns
  /// * kOk
  /// * kShapeMismatch  `stored` has not as many numbers as there are axes, or begin() was not called; nothing changes.
  /// * kNotFinite      a number is NaN, infinite or, scaled, not below kReadingLimit in magnitude: the reading is
  ///                   refused, counted, and a gap.
  Status add(Span<const int16_t> stored, bool& is_complete) noexcept { return add_reading(stored, is_complete); }
  Status add(Span<const float> stored, bool& is_complete) noexcept { return add_reading(stored, is_complete); }

  /// Readings were lost: the next one begins a new row.
  void note_gap() noexcept;

  /// Readings [length] of an axis of the window that add() completed, oldest first; scaled. One that is half done at
  /// other times. @param[in] axis  0..axes - 1, which is not checked.
  Span<const float> axis(uint32_t axis) const noexcept { return {memory_.data() + axis * spec_.length, spec_.length}; }

  /// What begin() was given.
  const FrameSpec& spec() const noexcept { return spec_; }
  /// Gaps, refused readings included, and refused readings since begin(). They stay at 2^32 - 1.
  uint32_t gaps() const noexcept { return gaps_; }
  uint32_t refused() const noexcept { return refused_; }
  /// Is the window that add() completed the first after a gap, or of all?
  bool is_first() const noexcept { return is_first_; }

 private:
  template <class T>
  Status add_reading(Span<const T> stored, bool& is_complete) noexcept;
  void make_room() noexcept;

  FrameSpec spec_;
  Span<float> memory_;
  uint32_t count_ = 0;  ///< readings of the window so far
  uint32_t gaps_ = 0;
  uint32_t refused_ = 0;
  bool is_first_ = false;
  bool has_window_ = false;  ///< since the last gap
};

}  // namespace skink::features
