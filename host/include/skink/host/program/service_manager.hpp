#pragma once
/// @file
/// What a service tells the service manager that started it (systemd, sd_notify(3)): that it serves, what it does, that
/// its loop still turns. Without one, where NOTIFY_SOCKET is not set, nothing is sent. Not for programs that end by
/// themselves. Not thread-safe: it belongs to the thread of the loop that it vouches for.

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace skink {

/// One for the process. The unit is Type=notify with WatchdogSec: the manager restarts a process whose loop hangs.
class ServiceManager {
 public:
  /// Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
  /// @param[in] on_fault  takes a line of the log when the manager cannot be told; called once, then not again. Empty:
  ///                      nobody is told.
  explicit ServiceManager(std::function<void(const std::string&)> on_fault);

  /// To be called each time that the loop comes round, at least ten times a second. The first call says READY=1. The
  /// watchdog is fed three times within its interval, and the status is sent when it has changed.
  /// @param[in] status  makes the line that `systemctl status` shows; asked at most once a second.
  void turn(const std::function<std::string()>& status);
  /// The configuration is being read again, until the next turn().
  void reloading();
  /// The end has begun. Further calls say nothing.
  void stopping();

 private:
  void tell(const std::string& lines);

  std::function<void(const std::string&)> on_fault_;
  std::chrono::microseconds beat_interval_{0};  ///< 0: no watchdog
  std::chrono::steady_clock::time_point beat_;
  std::chrono::steady_clock::time_point said_;
  std::string status_;
  bool is_ready_ = false;
  bool has_said_status_ = false;
  bool stops_ = false;
  bool has_failed_ = false;
};

}  // namespace skink
