#pragma once
/// @file
/// Gathers what people want to know of devices, for `skinkctl devices` and `skinkctl status`, until it is committed
/// with something else or is old enough to be committed by itself.

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "skink/coordinator/core/device_book.hpp"
#include "skink/coordinator/store/store.hpp"

namespace skink::coordinator {

/// Notes of one run, between two commits.
class FleetNotes {
 public:
  /// What is new since the last call, of devices and of what a core refused: of each device the last thing that
  /// happened, and how many messages were refused.
  StoreNotes take(DeviceBook& devices, const RefusalCounts& refused, std::uint64_t now_ms);
  /// Is what `skinkctl` shows older than it may be?
  bool is_due(std::uint64_t now_ms) const { return now_ms - taken_ms_ >= kMaxAgeMs; }

 private:
  static constexpr std::uint64_t kMaxAgeMs = 1000;
  static void note(const DeviceNews& news, std::map<std::string, DeviceRow>& rows);

  RefusalCounts refusals_{};  // those that were told
  std::uint64_t taken_ms_ = 0;
};

}  // namespace skink::coordinator
