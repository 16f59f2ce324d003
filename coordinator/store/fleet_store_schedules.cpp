/// @file
/// Schedules of a fleet's store.

#include "database.hpp"
#include "gate_text.hpp"
#include "override_text.hpp"
#include "skink/coordinator/store/fleet_store.hpp"
#include "skink/host/program/time_of_day.hpp"
#include "statement.hpp"

namespace skink::coordinator {

using internal::Statement;

Result<std::uint32_t> FleetStore::add_schedule(const ScheduleRow& schedule) {
  Statement insert(database_->get(),
                   "INSERT INTO schedules(name, experiment_name, experiment, overrides, select_group, select_label, "
                   "select_firmware, wait_s, release, checkpoint_rounds, init_model, from_latest, every_s, "
                   "devices_worse, new_devices, enabled, next_unix_s, gate, last_queued, created) "
                   "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING number");
  const RunOrder& order = schedule.order;
  const std::string overrides = internal::encode_overrides(order.overrides);
  const std::string gate = internal::encode_gate(order);
  const std::string now = utc_now();
  insert.bind(std::string_view(schedule.name)).bind(std::string_view(order.name));
  insert.bind(std::string_view(order.experiment_text)).bind(std::string_view(overrides));
  insert.bind(std::string_view(order.selection.group)).bind(std::string_view(order.selection.label));
  insert.bind(std::string_view(order.selection.firmware)).bind(order.wait_s);
  insert.bind(std::string_view(release_policy_text(order.release)));
  insert.bind(order.checkpoint_rounds).bind(order.init_model).bind(std::uint32_t{schedule.from_latest});
  insert.bind(schedule.every_s).bind(schedule.devices_worse).bind(schedule.new_devices);
  insert.bind(std::uint32_t{schedule.enabled}).bind(schedule.next_unix_s);
  insert.bind(std::string_view(gate)).bind(std::string_view(now));
  if (!insert.bind(std::string_view(now)).next()) return database_->failure("the schedule cannot be written");
  const std::uint32_t number = insert.count(0);
  if (insert.next() || !insert.ok()) return database_->failure("the schedule cannot be written");
  return number;
}

Result<void> FleetStore::change_schedule(const ScheduleRow& schedule) {
  Statement set(database_->get(),
                "UPDATE schedules SET every_s = ?, devices_worse = ?, new_devices = ?, enabled = ?, next_unix_s = ?, "
                "wait_s = ?, release = ?, gate = ? WHERE number = ?");
  const std::string gate = internal::encode_gate(schedule.order);
  set.bind(schedule.every_s).bind(schedule.devices_worse).bind(schedule.new_devices);
  set.bind(std::uint32_t{schedule.enabled}).bind(schedule.next_unix_s).bind(schedule.order.wait_s);
  set.bind(std::string_view(release_policy_text(schedule.order.release))).bind(std::string_view(gate));
  if (!set.bind(schedule.number).run()) return database_->failure("the schedule cannot be written");
  return {};
}

Result<void> FleetStore::note_scheduled_run(const ScheduleRow& schedule) {
  return database_->transact([&]() -> Result<void> {
    Statement belongs(database_->get(), "INSERT OR REPLACE INTO scheduled_runs(run, schedule) VALUES(?, ?)");
    if (!belongs.bind(schedule.last_run).bind(schedule.number).run()) {
      return database_->failure("the schedule cannot be written");
    }
    Statement set(database_->get(),
                  "UPDATE schedules SET runs = ?, last_run = ?, last_queued = ?, last_release = ?, next_unix_s = ? "
                  "WHERE number = ?");
    set.bind(schedule.runs).bind(schedule.last_run).bind(std::string_view(schedule.last_queued));
    set.bind(schedule.last_release).bind(schedule.next_unix_s);
    if (!set.bind(schedule.number).run()) return database_->failure("the schedule cannot be written");
    return {};
  });
}

Result<bool> FleetStore::remove_schedule(std::uint32_t number) {
  Statement remove(database_->get(), "DELETE FROM schedules WHERE number = ? RETURNING number");
  const bool was_there = remove.bind(number).next();
  if (remove.next() || !remove.ok()) return database_->failure("the schedule cannot be removed");
  return was_there;
}

Result<std::vector<ScheduleRow>> FleetStore::schedules(const Page& page) const {
  const std::string sql =
      "SELECT number, name, experiment_name, experiment, overrides, select_group, select_label, "
      "select_firmware, wait_s, release, checkpoint_rounds, init_model, from_latest, every_s, "
      "devices_worse, new_devices, enabled, runs, last_run, last_queued, last_release, next_unix_s, created, " +
      std::string(has_column("schedules", "gate") ? "gate" : "''") +
      " FROM schedules WHERE number > ? ORDER BY number LIMIT ?";
  Statement row(database_->get(), sql.c_str());
  row.bind(page.after).bind(page.limit);
  std::vector<ScheduleRow> schedules;
  while (row.next()) {
    ScheduleRow one;
    one.number = row.count(0);
    one.name = row.text(1);
    one.order.name = row.text(2);
    one.order.experiment_text = row.text(3);
    if (!internal::decode_overrides(row.text(4), one.order.overrides)) {
      return database_->damage("the overrides of a schedule are not a list");
    }
    one.order.selection = {row.text(5), row.text(6), row.text(7)};
    one.order.wait_s = row.count(8);
    if (!internal::decode_release(row.text(9), row.text(23), one.order)) {
      return database_->damage("a schedule's runs are released as '" + row.text(9) + "'");
    }
    one.order.checkpoint_rounds = row.count(10);
    one.order.init_model = row.count(11);
    one.from_latest = row.count(12) != 0;
    one.every_s = row.count(13);
    one.devices_worse = row.count(14);
    one.new_devices = row.count(15);
    one.enabled = row.count(16) != 0;
    one.runs = row.count(17);
    one.last_run = row.count(18);
    one.last_queued = row.text(19);
    one.last_release = row.count(20);
    one.next_unix_s = row.large(21);
    one.created = row.text(22);
    schedules.push_back(std::move(one));
  }
  if (!row.ok()) return database_->failure("the schedules cannot be read");
  if (!row.in_range()) return database_->damage("a number of the schedules is out of range");
  return schedules;
}

Result<std::uint32_t> FleetStore::latest_model_of(std::uint32_t schedule) const {
  Statement row(database_->get(),
                "SELECT number FROM models WHERE run IN (SELECT run FROM scheduled_runs WHERE schedule = ?) "
                "AND number NOT IN (SELECT model FROM trials WHERE phase = 'held back') "
                "ORDER BY run DESC, rounds DESC LIMIT 1");
  row.bind(schedule);
  const std::uint32_t number = row.next() ? row.count(0) : 0;
  if (!row.ok()) return database_->failure("the models cannot be read");
  return number;
}

Result<std::vector<ScheduleDevice>> FleetStore::schedule_devices(Statement& row) const {
  std::vector<ScheduleDevice> devices;
  while (row.next()) devices.push_back({row.text(0), row.text(1), row.count(2)});
  if (!row.ok()) return database_->failure("the devices cannot be read");
  return devices;
}

Result<std::vector<ScheduleDevice>> FleetStore::devices_worse(std::uint32_t release) const {
  Statement row(database_->get(),
                "SELECT id, firmware, release FROM devices WHERE release_use IN (?, ?) AND release > ? ORDER BY id");
  row.bind(static_cast<std::uint32_t>(wire::ReleaseUse::kWorse));
  row.bind(static_cast<std::uint32_t>(wire::ReleaseUse::kDiverged)).bind(release);
  return schedule_devices(row);
}

Result<std::vector<ScheduleDevice>> FleetStore::devices_since(const std::string& utc) const {
  Statement row(database_->get(), "SELECT id, firmware, release FROM devices WHERE first_seen > ? ORDER BY id");
  row.bind(std::string_view(utc));
  return schedule_devices(row);
}

}  // namespace skink::coordinator
