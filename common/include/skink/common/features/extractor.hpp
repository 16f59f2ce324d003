#pragma once
/// @file
/// All features of a window, in one order, and samples of several windows: docs/features.md, section 6. What a device
/// and `skink-sim features` call.

#include <stddef.h>
#include <stdint.h>

#include "skink/common/features/frames.hpp"
#include "skink/common/features/mel_bands.hpp"
#include "skink/common/features/spectrum.hpp"
#include "skink/common/features/window_statistics.hpp"

namespace skink::features {

inline constexpr uint32_t kMaxFrames = 64;  ///< windows of a sample

/// What is computed of each axis of a window. The transform may be longer than the window: zeros follow the readings.
struct FeatureSpec {
  uint8_t statistics = 0;  ///< of `Statistic`; they come first
  MelSpec mel;             ///< bands = 0: none, and the rest of it counts for nothing
  Taper taper = Taper::kHann;
};

/// Computes the features of windows. Not ISR-safe; one at a time.
class Extractor {
 public:
  /// Features of a window, F: axes * (statistics + bands).
  static size_t feature_count(const FrameSpec& frames, const FeatureSpec& features) noexcept;
  /// Floats that begin() borrows: for mel bands the transform, half of the taper and the bands, otherwise none.
  static size_t memory_count(const FrameSpec& frames, const FeatureSpec& features) noexcept;

  /// Prepares taper and bands.
  ///
  /// @param[in] frames    windows that will be given: axes and length count. As Framer::begin() wants it.
  /// @param[in] features  copied
  /// @param[in] memory    at least memory_count(), caller-owned; borrowed until the next begin() or the end of use.
  /// @returns
  /// * kOk
  /// * kInvalidArgument  nothing is asked for, a bit of `statistics` is unknown, axes or length are out of range, the
  ///                     window is longer than the transform, or what MelBands::begin() refuses.
  /// * kBufferTooSmall   `memory` is smaller than memory_count().
  /// On an error compute() returns kShapeMismatch.
  Status begin(const FrameSpec& frames, const FeatureSpec& features, Span<float> memory) noexcept;

  /// Features of the window that a framer has just completed: those of axis 0, then of axis 1, and so on.
  ///
  /// @param[in]  framer  with the axes and the length of begin(); its last add() completed a window.
  /// @param[out] out     [feature_count()]; finite, below kFeatureLimit in magnitude, no -0.
  /// @returns kOk; kShapeMismatch when sizes differ from those of begin(), `out` is unchanged.
  ///
  /// Cost for each axis: a pass or two for each statistic; with bands power_spectrum() and MelBands::apply(). Stack:
  /// below 300 bytes.
  Status compute(const Framer& framer, Span<float> out) noexcept;

 private:
  FeatureSpec spec_;
  uint32_t axes_ = 0;  ///< 0: not begun
  uint32_t length_ = 0;
  Span<float> scratch_;
  Span<float> taper_;
  MelBands bands_;
};

/// The newest windows' features as one sample. Not ISR-safe.
class FrameStack {
 public:
  /// Floats that begin() borrows: frames * features.
  static constexpr size_t memory_count(size_t frames, size_t features) noexcept { return frames * features; }

  /// Begins, empty.
  ///
  /// @param[in] frames    windows of a sample, T, 1..kMaxFrames
  /// @param[in] hop       windows from one sample's begin to the next one's, S, 1..frames
  /// @param[in] features  numbers of a window, F, at least 1
  /// @param[in] memory    at least memory_count(), caller-owned; borrowed until the next begin() or the end of use.
  /// @returns kOk; kInvalidArgument for a number out of range; kBufferTooSmall. On an error nothing changes.
  Status begin(uint32_t frames, uint32_t hop, size_t features, Span<float> memory) noexcept;

  /// Where the next window's features belong; call push() when they are there. Ends the use of sample().
  ///
  /// @param[in] is_first  Framer::is_first(): there was a gap before this window, and what was collected is dropped.
  /// @returns [features]; empty without begin().
  Span<float> next(bool is_first) noexcept;
  /// @returns true when the window completes a sample, which sample() gives until next().
  bool push() noexcept;
  /// [T, F], oldest first.
  Span<const float> sample() const noexcept { return memory_; }

 private:
  Span<float> memory_;
  size_t features_ = 0;
  uint32_t frames_ = 0;
  uint32_t hop_ = 0;
  uint32_t count_ = 0;
};

}  // namespace skink::features
