#include "skink/coordinator/service/device_watch.hpp"

#include <fmt/format.h>

#include "skink/common/wire/battery.hpp"

namespace skink::coordinator {
namespace {

constexpr std::uint32_t kManyClipped = 3;
constexpr double kFarTooLong = 2;  // bounds
constexpr double kNewest = 0.2;    // of a running mean

}  // namespace

void DeviceWatch::restore(const std::vector<DeviceConduct>& rows) {
  for (const DeviceConduct& row : rows) devices_[row.id].conduct = row;
}

void DeviceWatch::begin_run() {
  for (auto& [id, device] : devices_) {
    device.is_named = device.is_replaced = false;
    device.clipped_in_row = 0;
  }
}

DeviceWatch::Watched& DeviceWatch::of(std::string_view id) {
  const auto found = devices_.find(id);
  Watched& device = found != devices_.end() ? found->second : devices_[std::string(id)];
  device.conduct.id = id;
  device.has_changed = true;
  return device;
}

void DeviceWatch::on_update(const TakenUpdate& update) {
  Watched& device = of(update.device_id);
  DeviceConduct& conduct = device.conduct;
  ++conduct.updates;
  device.is_replaced = false;
  if (update.bound <= 0) return;
  const double length = update.norm / update.bound;
  conduct.length = conduct.length ? *conduct.length + kNewest * (length - *conduct.length) : length;
  const bool is_clipped = length > 1;
  conduct.clipped += static_cast<std::uint64_t>(is_clipped);
  device.clipped_in_row = is_clipped ? device.clipped_in_row + 1 : 0;
  if (device.is_named || device.clipped_in_row < kManyClipped || *conduct.length < kFarTooLong) return;
  device.is_named = true;
  suspicions_.push_back({conduct.id, fmt::format("{}: its last {} changes were {:.1f} times as long as is taken: they "
                                                 "are scaled down, and left out above twice that. Is a sensor out "
                                                 "of scale? `skinkctl devices exclude {}` keeps it out of runs",
                                                 conduct.id, device.clipped_in_row, *conduct.length, conduct.id)});
}

bool DeviceWatch::on_replaced(std::string_view id) { return !std::exchange(of(id).is_replaced, true); }

void DeviceWatch::on_miss(std::string_view id) { ++of(id).conduct.misses; }

std::optional<std::string> DeviceWatch::on_battery(std::string_view id, std::uint32_t percent) {
  const auto found = devices_.find(id);
  const bool was_low = found != devices_.end() && found->second.is_battery_low;
  const bool is_low = wire::is_battery_low(percent, was_low);
  if (is_low == was_low) return std::nullopt;
  of(id).is_battery_low = is_low;
  if (!is_low) return std::nullopt;
  return fmt::format("{}: its battery is at {} %: charge it, or keep it out of runs with `skinkctl devices exclude {}`",
                     id, percent, id);
}

void DeviceWatch::on_report(std::string_view id, const wire::Evaluation& sums) {
  if (sums.query_samples == 0) return;
  const double before = static_cast<double>(sums.loss_before);
  const double after = static_cast<double>(sums.loss_after);
  of(id).conduct.gain = (before - after) / static_cast<double>(sums.query_samples) / static_cast<double>(1U << 20U);
}

std::vector<DeviceConduct> DeviceWatch::take_changes() {
  std::vector<DeviceConduct> changes;
  for (auto& [id, device] : devices_) {
    if (std::exchange(device.has_changed, false)) changes.push_back(device.conduct);
  }
  return changes;
}

}  // namespace skink::coordinator
