#include "skink/host/program/service_manager.hpp"

#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstring>
#include <ctime>

#include "skink/host/program/printable.hpp"

namespace skink {
namespace {

constexpr std::chrono::seconds kStatusInterval{1};
constexpr std::size_t kMostStatusBytes = 500;

/// One line: a second one would be read as another assignment of the protocol.
std::string one_line(const std::string& text) {
  std::string line = printable(text.substr(0, kMostStatusBytes));
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

/// As MONOTONIC_USEC= wants it.
std::uint64_t monotonic_us() {
  struct timespec now {};
  (void)::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

}  // namespace

ServiceManager::ServiceManager(std::function<void(const std::string&)> on_fault) : on_fault_(std::move(on_fault)) {
  std::uint64_t interval_us = 0;
  if (::sd_watchdog_enabled(0, &interval_us) > 0) beat_interval_ = std::chrono::microseconds(interval_us / 3);
}

void ServiceManager::turn(const std::function<std::string()>& status) {
  if (stops_) return;
  const auto now = std::chrono::steady_clock::now();
  std::string lines;
  if (!is_ready_) lines += "READY=1\n";
  if (beat_interval_.count() > 0 && (!is_ready_ || now - beat_ >= beat_interval_)) {
    lines += "WATCHDOG=1\n";
    beat_ = now;
  }
  if (!has_said_status_ || now - said_ >= kStatusInterval) {
    said_ = now;
    std::string line = one_line(status());
    if (!has_said_status_ || line != status_) lines += "STATUS=" + line + "\n";
    has_said_status_ = true;
    status_ = std::move(line);
  }
  is_ready_ = true;
  if (!lines.empty()) tell(lines);
}

void ServiceManager::reloading() {
  if (stops_) return;
  tell("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(monotonic_us()) + "\n");
  is_ready_ = false;
}

void ServiceManager::stopping() {
  if (stops_) return;
  stops_ = true;
  tell("STOPPING=1\nSTATUS=stopping\n");
}

void ServiceManager::tell(const std::string& lines) {
  const int sent = ::sd_notify(0, lines.c_str());
  if (sent >= 0 || has_failed_) return;
  has_failed_ = true;
  if (on_fault_) {
    on_fault_(std::string("the service manager cannot be told how the service is (NOTIFY_SOCKET): ") +
              std::strerror(-sent));
  }
}

}  // namespace skink
