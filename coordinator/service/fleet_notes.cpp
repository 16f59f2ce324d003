#include "skink/coordinator/service/fleet_notes.hpp"

#include <utility>

#include "skink/host/program/time_of_day.hpp"

namespace skink::coordinator {
namespace {

std::string class_samples_text(const wire::State& birth) {
  std::string text;
  for (std::size_t label = 0; label < birth.class_samples.size; ++label) {
    if (label > 0) text += ' ';
    text += std::to_string(birth.class_samples.bytes[label]);
  }
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
                birth.stack_used_bytes,
                birth.takes_releases,
                birth.release,
                birth.release_model,
                birth.release_refused,
                static_cast<std::uint32_t>(birth.release_reason),
                static_cast<std::uint32_t>(birth.release_use),
                birth.samples,
                class_samples_text(birth)};
  const auto [noted, is_first] = rows.try_emplace(news.id, row);
  if (is_first) return;
  if (news.online) {
    noted->second = std::move(row);
  } else {
    noted->second.online = false;
    noted->second.last_seen = row.last_seen;
  }
}

StoreNotes FleetNotes::take(DeviceBook& devices, const RefusalCounts& refused, std::uint64_t now_ms) {
  std::map<std::string, DeviceRow> rows;  // by id
  for (const DeviceNews& news : devices.take_news()) note(news, rows);
  StoreNotes notes;
  for (auto& [id, row] : rows) notes.devices.push_back(std::move(row));
  for (std::size_t reason = 0; reason < refusals_.size(); ++reason) {
    const std::uint64_t more = refused[reason] - std::exchange(refusals_[reason], refused[reason]);
    if (more > 0) notes.refusals.push_back({wire::refusal_text(static_cast<wire::Refusal>(reason)), more});
  }
  taken_ms_ = now_ms;
  return notes;
}

}  // namespace skink::coordinator
