#pragma once
/// @file
/// How single devices behave: which one sends changes that are too long, misses deadlines, or does not gain by
/// adapting. So the culprit has a name. docs/operating.md.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "skink/coordinator/core/coordinator.hpp"
#include "skink/coordinator/store/fleet_store.hpp"

namespace skink::coordinator {

/// Of all devices that did something, on the service's thread.
class DeviceWatch {
 public:
  /// What was known before the start.
  void restore(const std::vector<DeviceConduct>& rows);
  /// Nothing is known of this one any more.
  void forget(const std::string& id) { devices_.erase(id); }
  /// Another run begins: whoever is named may be named again.
  void begin_run();

  /// Its change was taken.
  void on_update(const TakenUpdate& update);
  /// It did not answer in time.
  void on_miss(std::string_view id);
  /// Another device takes its place because it is away or at rest. @returns whether this is worth saying: a device that
  /// is away for long is replaced in round after round, and it is said again only after it has taken part.
  bool on_replaced(std::string_view id);
  /// It evaluated the model.
  void on_report(std::string_view id, const wire::Evaluation& sums);

  /// Its birth says what its battery has; above 100: mains, or not known. @returns what an operator should know: it has
  /// become low, and was not since it was last well above.
  std::optional<std::string> on_battery(std::string_view id, std::uint32_t percent);

  /// A device whose changes are far too long again and again, and what an operator should know of it.
  struct Suspicion {
    std::string id, text;
  };
  /// Those since the last call, each once a run.
  std::vector<Suspicion> take_suspicions() { return std::exchange(suspicions_, {}); }
  /// What changed since the last call.
  std::vector<DeviceConduct> take_changes();

 private:
  struct Watched {
    DeviceConduct conduct;
    std::uint32_t clipped_in_row = 0;
    bool is_named = false;     // in this run
    bool is_replaced = false;  // since its last update, and said
    bool is_battery_low = false;
    bool has_changed = false;
  };
  Watched& of(std::string_view id);

  std::map<std::string, Watched, std::less<>> devices_;
  std::vector<Suspicion> suspicions_;
};

}  // namespace skink::coordinator
