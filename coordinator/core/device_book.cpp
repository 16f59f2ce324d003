#include "skink/coordinator/core/device_book.hpp"

#include <algorithm>

namespace skink::coordinator {
namespace {

constexpr std::uint64_t kLongestRestMs = 24ULL * 60 * 60 * 1000;
constexpr std::uint32_t kMissesForgiven = 3;

}  // namespace

crypto::Key DeviceBook::key_of(std::string_view id) const {
  return crypto::device_key(master_key_, {fleet_.data(), fleet_.size()}, {id.data(), id.size()});
}

KnownDevice* DeviceBook::find(std::string_view id) {
  const auto found = devices_.find(id);
  return found == devices_.end() ? nullptr : &found->second;
}

const KnownDevice* DeviceBook::find(std::string_view id) const {
  const auto found = devices_.find(id);
  return found == devices_.end() ? nullptr : &found->second;
}

KnownDevice& DeviceBook::add(std::string_view id) {
  if (KnownDevice* known = find(id)) return *known;
  KnownDevice device;
  device.id = std::string(id);
  device.key = key_of(id);
  return devices_.emplace(device.id, std::move(device)).first->second;
}

std::vector<std::string> DeviceBook::online_ids(std::size_t count) const {
  std::vector<std::string> ids;
  for (const auto& [id, device] : devices_) {  // the map is sorted
    if (device.presence.online && device.selected && ids.size() < count) ids.push_back(id);
  }
  return ids;
}

std::size_t DeviceBook::selected_online() const {
  if (!selection_) return online();
  std::size_t count = 0;
  for (const auto& [id, device] : devices_)
    count += static_cast<std::size_t>(device.presence.online && device.selected);
  return count;
}

void DeviceBook::select(std::function<bool(const KnownDevice&)> selection) {
  selection_ = std::move(selection);
  for (auto& [id, device] : devices_) device.selected = !selection_ || selection_(device);
}

void DeviceBook::begin_run() {
  roster_.clear();
  members_.clear();
  membership_ = {};
  for (auto& [id, device] : devices_) {
    device.reported_late_join = false;
    device.refused = wire::Refusal::kNone;
    device.model_sent.reset();
    device.base.reset();
    device.settled.reset();
    device.unexpected.reset();
    device.accepted_round = 0;
  }
}

wire::RoundId DeviceBook::last_task(std::uint64_t limit) const {
  wire::RoundId last;
  for (const auto& [id, device] : devices_) {
    const wire::RoundId& task = device.last_task;
    if (task.run <= limit && std::pair(task.run, task.round) > std::pair(last.run, last.round)) last = task;
  }
  return last;
}

void DeviceBook::for_each(const std::function<void(const KnownDevice&)>& visit) const {
  for (const auto& [id, device] : devices_) visit(device);
}

void DeviceBook::adopt_roster(std::vector<std::string> roster, std::uint64_t seed, const FleetConfig& fleet) {
  roster_ = std::move(roster);
  members_.clear();
  for (const std::string& id : roster_) members_.push_back(&add(id));
  membership_ = split_roster(seed, fleet, static_cast<std::uint32_t>(roster_.size()));
}

std::optional<std::uint32_t> DeviceBook::index_of(std::string_view id) const {
  const auto found = std::lower_bound(roster_.begin(), roster_.end(), id);
  if (found == roster_.end() || *found != id) return std::nullopt;
  return static_cast<std::uint32_t>(found - roster_.begin());
}

bool DeviceBook::on_birth(KnownDevice& device, const wire::State& birth, std::uint64_t now_ms) {
  if (birth.challenge == 0 && device.misses < kMissesForgiven) device.rests_until_ms = 0;  // it was started again
  if (!presence_.on_birth(device.id, device.key, device.presence, birth.challenge, now_ms)) return false;
  device.firmware = birth.firmware;
  device.has_samples = birth.samples != 1;  // one more than it has; 0: it does not say
  device.last_task = {birth.run, birth.round, 0};
  device.selected = !selection_ || selection_(device);
  news_.push_back({device.id, true, birth});
  return true;
}

void DeviceBook::on_gone(KnownDevice& device, std::uint64_t now_ms) {
  if (device.presence.online) news_.push_back({device.id, false, {}});
  presence_.on_gone(device.id, device.presence, now_ms);
}

void DeviceBook::on_will(KnownDevice& device, std::uint64_t now_ms) {
  if (device.presence.online) news_.push_back({device.id, false, {}});
  presence_.on_will(device.id, device.key, device.presence, now_ms);
}

std::uint64_t DeviceBook::on_miss(KnownDevice& device, std::uint64_t deadline_ms, std::uint64_t now_ms) {
  ++device.misses;
  const std::uint64_t rest_ms = std::min(deadline_ms << (2 * std::min(device.misses, 10U)), kLongestRestMs);
  device.rests_until_ms = now_ms + rest_ms;
  return rest_ms;
}

void DeviceBook::on_silence(KnownDevice& device, std::uint64_t now_ms) {
  if (device.presence.online) news_.push_back({device.id, false, {}});
  presence_.on_silence(device.id, device.key, device.presence, now_ms);
}

void DeviceBook::on_sign_of_life(KnownDevice& device, std::uint64_t now_ms) {
  presence_.on_sign_of_life(device.id, device.presence, now_ms);
}

void DeviceBook::on_connected(std::uint64_t now_ms) {
  expected_ms_ = now_ms;
  for (auto& [id, device] : devices_) {
    if (device.presence.online) news_.push_back({id, false, {}});
    presence_.on_connected(id, device.key, device.presence, now_ms);
  }
}

KnownDevice* DeviceBook::due_probe(std::uint64_t now_ms) {
  const std::string_view due = presence_.due(now_ms);
  return due.empty() ? nullptr : find(due);
}

void DeviceBook::exclude(const std::string& id, bool is_excluded) {
  if (is_excluded) {
    excluded_.insert(id);
  } else {
    excluded_.erase(id);
  }
}

void DeviceBook::forget(const std::string& id, std::uint64_t now_ms) {
  excluded_.erase(id);
  std::erase_if(news_, [&id](const DeviceNews& one) { return one.id == id; });
  const auto found = devices_.find(id);
  if (found == devices_.end()) return;
  if (is_member(id)) {  // of a run that is over: the next one begins with another roster
    roster_.clear();
    members_.clear();
    membership_ = {};
  }
  presence_.on_gone(id, found->second.presence, now_ms);
  devices_.erase(found);
}

std::vector<KnownDevice*> DeviceBook::revoke(const RevokedIds& ids) {
  std::vector<KnownDevice*> known;
  for (const std::string& id : ids) {
    if (!revoked_.insert(id).second) continue;
    if (KnownDevice* device = find(id)) known.push_back(device);
  }
  return known;
}

}  // namespace skink::coordinator
