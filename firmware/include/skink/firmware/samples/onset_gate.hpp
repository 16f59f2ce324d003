#pragma once
/// @file
/// Where in a stream of windows a sample begins. Belongs to the main loop; not ISR-safe.

#include <stdint.h>

namespace skink::firmware {

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
