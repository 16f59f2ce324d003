#pragma once
/// @file
/// When a schedule is due by time. What else makes it due, and what it queues, is in FleetService.

#include <cstdint>

namespace skink::coordinator {

/// Counts on a clock that only goes forward, so that the time of day may jump: nothing is due twice, and nothing never.
/// Until it has been due once in this process the time of day counts too: it may be set right only after the start.
class ScheduleTimer {
 public:
  /// Never due.
  ScheduleTimer() = default;
  /// @param[in] every_s      > 0
  /// @param[in] next_unix_s  when it is due by the time of day; never later than in every_s, whatever the clock says
  /// @param[in] now_ms       of a clock that only goes forward
  /// @param[in] unix_s       the time of day
  ScheduleTimer(std::uint32_t every_s, std::uint64_t next_unix_s, std::uint64_t now_ms, std::uint64_t unix_s);

  /// Is it due? Stays so until rearm().
  bool is_due(std::uint64_t now_ms, std::uint64_t unix_s) const;
  /// It was due. The rhythm is kept; what was missed is not made up for. @returns when it is due next, by the time of
  /// day.
  std::uint64_t rearm(std::uint64_t now_ms, std::uint64_t unix_s);

 private:
  std::uint32_t every_s_ = 0;
  std::uint64_t next_unix_s_ = 0;
  std::uint64_t due_ms_ = 0;
  bool was_due_ = false;
};

}  // namespace skink::coordinator
