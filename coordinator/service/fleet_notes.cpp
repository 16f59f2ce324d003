#include "skink/coordinator/service/fleet_notes.hpp"

#include <ctime>
#include <utility>

namespace skink::coordinator {
namespace {

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace

void FleetNotes::note(const DeviceNews& news, std::map<std::string, DeviceRow>& rows) {
  const wire::State& birth = news.birth;
  DeviceRow row{news.id,
                news.online,
                utc_now(),
                birth.firmware,
                birth.arena_bytes,
                birth.battery_percent,
                birth.reset_reason,
                birth.free_bytes,
                birth.stack_used_bytes};
  const auto [noted, is_first] = rows.try_emplace(news.id, row);
  if (is_first) return;
  if (news.online) {
    noted->second = std::move(row);
  } else {
    noted->second.online = false;
    noted->second.last_seen = row.last_seen;
  }
}

StoreNotes FleetNotes::take(Coordinator& core, std::uint64_t now_ms) {
  std::map<std::string, DeviceRow> rows;  // by id
  for (const DeviceNews& news : core.take_device_news()) note(news, rows);
  StoreNotes notes;
  for (auto& [id, row] : rows) notes.devices.push_back(std::move(row));
  for (std::size_t reason = 0; reason < refusals_.size(); ++reason) {
    const std::uint64_t more = core.refused()[reason] - std::exchange(refusals_[reason], core.refused()[reason]);
    if (more > 0) notes.refusals.push_back({wire::refusal_text(static_cast<wire::Refusal>(reason)), more});
  }
  taken_ms_ = now_ms;
  return notes;
}

}  // namespace skink::coordinator
