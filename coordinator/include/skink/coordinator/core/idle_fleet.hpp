#pragma once
/// @file
/// A fleet while no run is open: who is there is known, and nobody is asked for anything else. No I/O; the driver
/// carries the actions out, as those of Coordinator.
///
/// Not thread-safe. `now_ms` is any monotonic clock, the one that runs have too.

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "skink/coordinator/core/actions.hpp"
#include "skink/coordinator/core/device_book.hpp"
#include "skink/coordinator/core/revoked_ids.hpp"

namespace skink::coordinator {

/// Devices come and go without a run.
class IdleFleet {
 public:
  /// Borrows what is known of devices.
  explicit IdleFleet(DeviceBook& devices) : devices_(&devices) {}

  /// Connected (again): the broker tells the births that it kept, and each is asked whether its device is there.
  void on_connected(std::uint64_t now_ms);
  void on_disconnected() { connected_ = false; }
  /// The connection was there before: a run has ended.
  void attach() { connected_ = true; }
  /// Any bytes on a device's state topic.
  void on_state(std::string_view device_id, Bytes message, std::uint64_t now_ms);
  /// Any bytes on a device's update topic. Nobody waits for it: the device is told, so that it goes on with something
  /// else; it keeps the result for a run that is resumed.
  void on_update(std::string_view device_id, Bytes message);
  /// Time has passed; needed from next_wake_ms() on, harmless earlier.
  void on_time(std::uint64_t now_ms);
  std::uint64_t next_wake_ms() const { return connected_ ? devices_->wake_ms() : Presence::kNever; }
  /// These devices are out for good.
  void revoke(const RevokedIds& ids, std::uint64_t now_ms);

  /// What to do now, in order; empties the list.
  std::vector<Action> take_actions() { return std::exchange(actions_, {}); }
  /// Births refused, by reason.
  const RefusalCounts& refused() const { return refused_; }

 private:
  DeviceBook* devices_;
  RefusalCounts refused_{};
  std::vector<Action> actions_;
  bool connected_ = false;
};

}  // namespace skink::coordinator
