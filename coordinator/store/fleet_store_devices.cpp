/// @file
/// Devices, events and the audit trail of a fleet's store.

#include "database.hpp"
#include "skink/coordinator/store/fleet_store.hpp"
#include "skink/host/program/time_of_day.hpp"
#include "statement.hpp"

namespace skink::coordinator {
namespace {

using internal::Statement;

constexpr std::uint64_t kMostEvents = 10000;

constexpr const char* kColumns =
    "id, online, last_seen, firmware, arena_bytes, battery_percent, reset_reason, free_bytes, stack_used_bytes, "
    "first_seen, device_group, labels, note, excluded, takes_releases, release, release_model, release_refused, "
    "release_reason, release_use, updates, misses, clipped, length, gain, samples, class_samples";

}  // namespace

Result<void> FleetStore::note_device(const DeviceRow& row) {
  // A device that is gone keeps what its last birth said.
  Statement statement(
      database_->get(),
      row.online ? "INSERT INTO devices(id, online, last_seen, firmware, arena_bytes, battery_percent, reset_reason, "
                   "free_bytes, stack_used_bytes, takes_releases, release, release_model, release_refused, "
                   "release_reason, release_use, samples, class_samples, first_seen) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, "
                   "?, ?, ?, ?, ?, ?, ?, ?, ?) ON "
                   "CONFLICT(id) DO UPDATE SET online = excluded.online, last_seen = excluded.last_seen, firmware = "
                   "excluded.firmware, arena_bytes = excluded.arena_bytes, battery_percent = excluded.battery_percent, "
                   "reset_reason = excluded.reset_reason, free_bytes = excluded.free_bytes, stack_used_bytes = "
                   "excluded.stack_used_bytes, takes_releases = excluded.takes_releases, release = excluded.release, "
                   "release_model = excluded.release_model, release_refused = excluded.release_refused, "
                   "release_reason = excluded.release_reason, release_use = excluded.release_use, samples = "
                   "excluded.samples, class_samples = excluded.class_samples, first_seen = CASE "
                   "first_seen WHEN '' THEN excluded.first_seen ELSE first_seen END"
                 : "INSERT INTO devices(id, online, last_seen, firmware, arena_bytes, battery_percent, reset_reason, "
                   "free_bytes, stack_used_bytes, takes_releases, release, release_model, release_refused, "
                   "release_reason, release_use, samples, class_samples, first_seen) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, "
                   "?, ?, ?, ?, ?, ?, ?, ?, ?) ON "
                   "CONFLICT(id) DO UPDATE SET online = excluded.online, last_seen = excluded.last_seen");
  statement.bind(std::string_view(row.id)).bind(std::uint32_t{row.online}).bind(std::string_view(row.last_seen));
  statement.bind(std::string_view(row.firmware)).bind(row.arena_bytes).bind(row.battery_percent);
  statement.bind(row.reset_reason).bind(row.free_bytes).bind(row.stack_used_bytes);
  statement.bind(std::uint32_t{row.takes_releases}).bind(row.release).bind(row.release_model);
  statement.bind(row.release_refused).bind(row.release_reason).bind(row.release_use);
  statement.bind(row.samples).bind(std::string_view(row.class_samples));
  if (!statement.bind(std::string_view(row.last_seen)).run()) return database_->failure("the device cannot be written");
  return {};
}

Result<void> FleetStore::note(const std::vector<DeviceRow>& devices, const std::vector<EventRow>& events) {
  if (devices.empty() && events.empty()) return {};
  return database_->transact([&] {
    Result<void> done;
    for (std::size_t i = 0; done && i < devices.size(); ++i) done = note_device(devices[i]);
    for (std::size_t i = 0; done && i < events.size(); ++i) done = add_event(events[i]);
    if (!done || events.empty() || events.back().id <= kMostEvents) return done;
    Statement trim(database_->get(), "DELETE FROM events WHERE id <= ?");
    if (!trim.bind(events.back().id - kMostEvents).run()) {
      return Result<void>(database_->failure("old events cannot be removed"));
    }
    return done;
  });
}

Result<void> FleetStore::forget_presence() { return database_->execute("UPDATE devices SET online = 0 WHERE online"); }

Result<std::vector<FleetDevice>> FleetStore::read_devices(const std::string& where,
                                                          const std::vector<std::string>& values,
                                                          std::uint32_t limit) const {
  const std::string sql = "SELECT " + std::string(kColumns) + " FROM devices LEFT JOIN conduct USING (id) WHERE " +
                          where + " ORDER BY id LIMIT ?";
  Statement row(database_->get(), sql.c_str());
  for (const std::string& value : values) row.bind(std::string_view(value));
  row.bind(limit);
  std::vector<FleetDevice> devices;
  while (row.next()) {
    FleetDevice device;
    device.row.id = row.text(0);
    device.row.online = row.count(1) != 0;
    device.row.last_seen = row.text(2);
    device.row.firmware = row.text(3);
    device.row.arena_bytes = row.count(4);
    device.row.battery_percent = row.count(5);
    device.row.reset_reason = row.count(6);
    device.row.free_bytes = row.count(7);
    device.row.stack_used_bytes = row.count(8);
    device.row.takes_releases = row.count(14) != 0;
    device.row.release = row.count(15);
    device.row.release_model = row.large(16);
    device.row.release_refused = row.count(17);
    device.row.release_reason = row.count(18);
    device.row.release_use = row.count(19);
    device.first_seen = row.text(9);
    device.group = row.text(10);
    device.labels = row.text(11);
    device.note = row.text(12);
    device.excluded = row.count(13) != 0;
    device.conduct = {device.row.id, row.large(20),        row.large(21),
                      row.large(22), row.real_or_null(23), row.real_or_null(24)};
    device.row.samples = row.count(25);
    device.row.class_samples = row.text(26);
    devices.push_back(std::move(device));
  }
  if (!row.ok()) return database_->failure("the devices cannot be read");
  if (!row.in_range()) return database_->damage("a number of the devices is out of range");
  return devices;
}

Result<std::vector<FleetDevice>> FleetStore::devices(const std::string& after, std::uint32_t limit,
                                                     const DeviceFilter& filter) const {
  std::string where = "id > ?";
  std::vector<std::string> values{after};
  if (filter.group) {
    where += " AND device_group = ?";
    values.push_back(*filter.group);
  }
  if (filter.online) where += *filter.online ? " AND online != 0" : " AND online = 0";
  return read_devices(where, values, limit);
}

Result<std::optional<FleetDevice>> FleetStore::device(const std::string& id) const {
  auto rows = read_devices("id = ?", {id}, 1);
  if (!rows) return rows.error();
  return rows->empty() ? std::nullopt : std::optional<FleetDevice>(std::move(rows->front()));
}

Result<void> FleetStore::describe_device(const FleetDevice& device) {
  Statement statement(
      database_->get(),
      "INSERT INTO devices(id, online, last_seen, firmware, arena_bytes, battery_percent, reset_reason, free_bytes, "
      "stack_used_bytes, first_seen, device_group, labels, note, excluded) VALUES(?, 0, '', '', 0, 255, 0, 0, 0, '', "
      "?, "
      "?, ?, ?) ON CONFLICT(id) DO UPDATE SET device_group = excluded.device_group, labels = excluded.labels, note = "
      "excluded.note, excluded = excluded.excluded");
  statement.bind(std::string_view(device.row.id)).bind(std::string_view(device.group));
  statement.bind(std::string_view(device.labels)).bind(std::string_view(device.note));
  if (!statement.bind(std::uint32_t{device.excluded}).run()) return database_->failure("the device cannot be written");
  return {};
}

Result<bool> FleetStore::forget_device(const std::string& id) {
  bool was_known = false;
  const auto done = database_->transact([&]() -> Result<void> {
    Statement device(database_->get(), "DELETE FROM devices WHERE id = ? RETURNING id");
    was_known = device.bind(std::string_view(id)).next();
    if (was_known) (void)device.next();
    if (!device.ok()) return database_->failure("the device cannot be removed");
    Statement conduct(database_->get(), "DELETE FROM conduct WHERE id = ?");
    if (!conduct.bind(std::string_view(id)).run()) return database_->failure("the device cannot be removed");
    Statement renewal(database_->get(), "DELETE FROM renewals WHERE device = ?");
    if (!renewal.bind(std::string_view(id)).run()) return database_->failure("the device cannot be removed");
    return {};
  });
  if (!done) return done.error();
  return was_known;
}

// ---- releases -------------------------------------------------------------------------------------------------------

Result<std::uint32_t> FleetStore::next_release() const {
  Statement row(database_->get(), "SELECT COALESCE(MAX(number), 0) + 1 FROM releases");
  if (!row.next()) return database_->failure("the releases cannot be read");
  return row.count(0);
}

Result<void> FleetStore::add_release(const ReleaseRow& release) {
  Statement insert(database_->get(), "INSERT INTO releases VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  const std::vector<std::uint8_t> header(release.header.begin(), release.header.end());
  const std::string now = utc_now();
  insert.bind(release.number).bind(release.model).bind(std::string_view(release.group)).bind(header);
  insert.bind(release.slot).bind(release.seed).bind(static_cast<double>(release.inner_learning_rate));
  insert.bind(release.passes).bind(release.batch_size);
  if (!insert.bind(std::string_view(now)).run()) return database_->failure("the release cannot be written");
  return {};
}

Result<std::vector<ReleaseRow>> FleetStore::releases(const Page& page) const {
  Statement row(
      database_->get(),
      "SELECT r.number, r.model, m.sha256, r.device_group, r.header, r.slot, r.seed, r.inner_learning_rate, "
      "r.passes, r.batch_size, r.created FROM releases r JOIN models m ON m.number = r.model WHERE r.number > ? "
      "ORDER BY r.number LIMIT ?");
  row.bind(page.after).bind(page.limit);
  std::vector<ReleaseRow> releases;
  while (row.next()) {
    const std::vector<std::uint8_t> header = row.blob(4);
    releases.push_back({row.count(0), row.count(1), row.text(2), row.text(3), std::string(header.begin(), header.end()),
                        row.count(5), row.large(6), static_cast<float>(row.real(7)), row.count(8), row.count(9),
                        row.text(10)});
  }
  if (!row.ok()) return database_->failure("the releases cannot be read");
  if (!row.in_range()) return database_->damage("a number of the releases is out of range");
  return releases;
}

// ---- tokens ---------------------------------------------------------------------------------------------------------

Result<std::uint32_t> FleetStore::add_token(const TokenRow& token) {
  Statement insert(database_->get(),
                   "INSERT INTO tokens(name, scope, sha256, created) VALUES(?, ?, ?, ?) RETURNING id");
  const std::string now = utc_now();
  insert.bind(std::string_view(token.name)).bind(std::string_view(token.scope)).bind(std::string_view(token.sha256));
  if (!insert.bind(std::string_view(now)).next()) return database_->failure("the token cannot be written");
  const std::uint32_t id = insert.count(0);
  if (insert.next() || !insert.ok()) return database_->failure("the token cannot be written");
  return id;
}

Result<std::vector<TokenRow>> FleetStore::tokens() const {
  Statement row(database_->get(), "SELECT id, name, scope, sha256, created FROM tokens ORDER BY id");
  std::vector<TokenRow> tokens;
  while (row.next()) tokens.push_back({row.count(0), row.text(1), row.text(2), row.text(3), row.text(4)});
  if (!row.ok()) return database_->failure("the tokens cannot be read");
  return tokens;
}

Result<bool> FleetStore::remove_token(std::uint32_t id) {
  Statement row(database_->get(), "DELETE FROM tokens WHERE id = ? RETURNING id");
  const bool was_there = row.bind(id).next();
  if (was_there) (void)row.next();
  if (!row.ok()) return database_->failure("the token cannot be removed");
  return was_there;
}

// ---- what happened, and who did it ----------------------------------------------------------------------------------

Result<std::uint64_t> FleetStore::last_event() const {
  Statement row(database_->get(), "SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'events'");
  if (!row.next()) return database_->failure("the events cannot be read");
  return row.large(0);
}

Result<void> FleetStore::add_event(const EventRow& event) {
  Statement insert(database_->get(),
                   "INSERT INTO events(id, at, level, event, run, device, text) VALUES(?, ?, ?, ?, ?, ?, ?)");
  insert.bind(event.id).bind(std::string_view(event.at)).bind(std::string_view(event.level));
  insert.bind(std::string_view(event.event)).bind(event.run).bind(std::string_view(event.device));
  if (!insert.bind(std::string_view(event.text)).run()) return database_->failure("the event cannot be written");
  return {};
}

Result<std::vector<EventRow>> FleetStore::events(const Page& page, const EventFilter& filter) const {
  std::string sql = "SELECT id, at, level, event, run, device, text FROM events WHERE id > ?";
  const std::pair<const char*, const std::optional<std::string>&> wanted[] = {
      {"level", filter.level}, {"event", filter.event}, {"device", filter.device}};
  for (const auto& [column, value] : wanted) {
    if (value) sql.append(" AND ").append(column).append(" = ?");
  }
  sql += " ORDER BY id LIMIT ?";
  Statement row(database_->get(), sql.c_str());
  row.bind(page.after);
  for (const auto& [column, value] : wanted) {
    if (value) row.bind(std::string_view(*value));
  }
  row.bind(page.limit);
  std::vector<EventRow> events;
  while (row.next()) {
    events.push_back({row.large(0), row.text(1), row.text(2), row.text(3), row.count(4), row.text(5), row.text(6)});
  }
  if (!row.ok()) return database_->failure("the events cannot be read");
  return events;
}

Result<std::uint64_t> FleetStore::last_audit() const {
  Statement row(database_->get(), "SELECT COALESCE(MAX(id), 0) FROM audit");
  if (!row.next()) return database_->failure("the audit cannot be read");
  return row.large(0);
}

Result<void> FleetStore::add_audit(const AuditRow& audit) {
  Statement insert(database_->get(), "INSERT INTO audit(at, who, action, subject, detail) VALUES(?, ?, ?, ?, ?)");
  const std::string at = audit.at.empty() ? utc_now() : audit.at;
  insert.bind(std::string_view(at)).bind(std::string_view(audit.who)).bind(std::string_view(audit.action));
  insert.bind(std::string_view(audit.subject));
  if (!insert.bind(std::string_view(audit.detail)).run()) return database_->failure("the audit cannot be written");
  return {};
}

Result<std::vector<AuditRow>> FleetStore::audit(const Page& page) const {
  Statement row(database_->get(),
                "SELECT id, at, who, action, subject, detail FROM audit WHERE id > ? ORDER BY id LIMIT ?");
  row.bind(page.after).bind(page.limit);
  std::vector<AuditRow> audit;
  while (row.next()) {
    audit.push_back({row.large(0), row.text(1), row.text(2), row.text(3), row.text(4), row.text(5)});
  }
  if (!row.ok()) return database_->failure("the audit cannot be read");
  return audit;
}

}  // namespace skink::coordinator
