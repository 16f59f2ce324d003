#pragma once
/// @file
/// The client's one timer: exponential back-off with jitter. Owns when to wake and how often in a row nothing came.

#include <stdint.h>

namespace skink::edge::internal {

/// One wait at a time. `now_ms` is any monotonic clock.
class RetryTimer {
 public:
  /// No wait.
  static constexpr uint64_t kNever = ~uint64_t{0};

  /// @param[in] first_ms  first wait; doubles with every retry up to `limit_ms`
  /// @param[in] seed      of the jitter
  RetryTimer(uint32_t first_ms, uint32_t limit_ms, uint64_t seed) noexcept
      : first_ms_(first_ms), limit_ms_(limit_ms), seed_(seed) {}

  /// Waits from `now_ms` on for min(first << retries, limit), and up to a quarter of that longer, drawn from (seed,
  /// retries, round), so that a fleet does not come back in step.
  void arm(uint64_t now_ms, uint32_t round) noexcept;
  /// Waits for nothing.
  void stop() noexcept { wake_ms_ = kNever; }
  /// Something came: the next wait is the first one again.
  void reset_backoff() noexcept { retries_ = 0; }
  /// A wait passed in vain: the next one is twice as long.
  void back_off() noexcept { ++retries_; }

  /// When the wait ends; kNever while nothing is waited for.
  uint64_t wake_ms() const noexcept { return wake_ms_; }

 private:
  uint64_t wake_ms_ = kNever;
  uint32_t retries_ = 0;
  uint32_t first_ms_;
  uint32_t limit_ms_;
  uint64_t seed_;
};

}  // namespace skink::edge::internal
