#include "skink/coordinator/service/schedules.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "skink/coordinator/service/fleet_service.hpp"
#include "skink/host/program/time_of_day.hpp"

namespace skink::coordinator {
namespace {

constexpr std::uint32_t kMostSchedules = 1'000'000;
constexpr std::uint64_t kRetryMs = 600'000;
constexpr std::size_t kNamedDevices = 5;

std::uint64_t unix_time_s() { return unix_time_ms() / 1000; }

std::string named(const std::vector<ScheduleDevice>& devices) {
  std::string text;
  for (std::size_t i = 0; i < std::min(devices.size(), kNamedDevices); ++i)
    text += (i == 0 ? "" : ", ") + devices[i].id;
  if (devices.size() > kNamedDevices) text += fmt::format(" and {} more", devices.size() - kNamedDevices);
  return text;
}

Result<void> check_triggers(const ScheduleRow& schedule) {
  if (schedule.every_s != 0 || schedule.devices_worse != 0 || schedule.new_devices != 0) return {};
  return make_error(Status::kInvalidArgument,
                    "nothing makes the schedule due: name every_s, devices_worse or new_devices");
}

}  // namespace

// ---- time -----------------------------------------------------------------------------------------------------------

ScheduleTimer::ScheduleTimer(std::uint32_t every_s, std::uint64_t next_unix_s, std::uint64_t now_ms,
                             std::uint64_t unix_s)
    : every_s_(every_s), next_unix_s_(next_unix_s) {
  const std::uint64_t wait_s = next_unix_s > unix_s ? next_unix_s - unix_s : 0;
  due_ms_ = now_ms + std::min<std::uint64_t>(wait_s, every_s) * 1000;
}

bool ScheduleTimer::is_due(std::uint64_t now_ms, std::uint64_t unix_s) const {
  if (every_s_ == 0) return false;
  return now_ms >= due_ms_ || (!was_due_ && unix_s >= next_unix_s_);
}

std::uint64_t ScheduleTimer::rearm(std::uint64_t now_ms, std::uint64_t unix_s) {
  if (every_s_ == 0) return 0;
  const std::uint64_t every_ms = std::uint64_t{every_s_} * 1000;
  const bool is_in_rhythm = now_ms >= due_ms_ && now_ms - due_ms_ < every_ms;
  due_ms_ = (is_in_rhythm ? due_ms_ : now_ms) + every_ms;
  was_due_ = true;
  next_unix_s_ = unix_s + (due_ms_ - now_ms) / 1000;
  return next_unix_s_;
}

ScheduleTimer FleetService::timer_of(const ScheduleRow& schedule) const {
  if (!schedule.enabled || schedule.every_s == 0) return {};
  return {schedule.every_s, schedule.next_unix_s, loop_->now_ms(), unix_time_s()};
}

// ---- what an operator says ------------------------------------------------------------------------------------------

Result<std::uint32_t> FleetService::add_schedule(ScheduleRow schedule, std::uint32_t first_s, const std::string& who) {
  const auto triggers = check_triggers(schedule);
  if (!triggers) return triggers.error();
  RunOrder first = schedule.order;
  const auto experiment = prepare(first);
  if (!experiment) return experiment.error();
  schedule.order.name = experiment->name;
  if (schedule.name.empty()) schedule.name = experiment->name;
  schedule.next_unix_s =
      schedule.every_s == 0 || !schedule.enabled ? 0 : unix_time_s() + std::min(first_s, schedule.every_s);
  const auto number = store_.add_schedule(schedule);
  if (!number) return number.error();
  const auto noted = note_audit(who, "schedule.add", std::to_string(*number), schedule.name);
  if (!noted) return noted.error();
  const auto rows = store_.schedules({*number - 1, 1});
  if (!rows) return rows.error();
  schedules_[*number] = {rows->front(), timer_of(rows->front()), 0};
  return *number;
}

Result<void> FleetService::change_schedule(const ScheduleRow& schedule, const std::string& who) {
  auto done = check_triggers(schedule);
  if (!done) return done;
  RunOrder order = schedule.order;
  const auto experiment = prepare(order);
  if (!experiment) return experiment.error();
  const auto found = schedules_.find(schedule.number);
  if (found == schedules_.end()) {
    return make_error(Status::kInvalidArgument, fmt::format("there is no schedule {}", schedule.number), Cause::kUsage);
  }
  Scheduled changed{schedule, found->second.timer, 0};
  if (schedule.every_s != found->second.row.every_s || schedule.enabled != found->second.row.enabled) {
    const bool is_timed = schedule.enabled && schedule.every_s != 0;
    changed.row.next_unix_s = is_timed ? unix_time_s() + schedule.every_s : 0;
    changed.timer = timer_of(changed.row);
  }
  done = note_audit(who, "schedule.change", std::to_string(schedule.number),
                    fmt::format("enabled {}, every_s {}, devices_worse {}, new_devices {}", schedule.enabled,
                                schedule.every_s, schedule.devices_worse, schedule.new_devices));
  if (done) done = store_.change_schedule(changed.row);
  if (done) found->second = std::move(changed);
  return done;
}

Result<bool> FleetService::remove_schedule(std::uint32_t number, const std::string& who) {
  auto removed = store_.remove_schedule(number);
  if (!removed || !*removed) return removed;
  schedules_.erase(number);
  const auto noted = note_audit(who, "schedule.remove", std::to_string(number), "");
  if (!noted) return noted.error();
  return true;
}

// ---- what is due ----------------------------------------------------------------------------------------------------

Result<void> FleetService::read_schedules() {
  const auto rows = store_.schedules({0, kMostSchedules});
  if (!rows) return rows.error();
  for (const ScheduleRow& row : *rows) schedules_[row.number] = {row, timer_of(row), 0};
  return {};
}

Result<void> FleetService::run_schedules() {
  for (auto& [number, one] : schedules_) {
    if (!one.row.enabled) continue;
    const auto last = store_.run(one.row.last_run);
    if (!last) return last.error();
    if (*last && !is_over((*last)->phase)) continue;
    auto done = run_schedule(one);
    if (!done) return done;
  }
  return {};
}

Result<std::vector<ScheduleDevice>> FleetService::selected(const Selection& selection,
                                                           const Result<std::vector<ScheduleDevice>>& devices) const {
  if (!devices) return devices.error();
  std::vector<ScheduleDevice> chosen;
  for (const ScheduleDevice& device : *devices) {
    KnownDevice known;
    known.id = device.id;
    known.firmware = device.firmware;
    if (!loop_->devices().is_revoked(device.id) && is_selected(selection, known)) chosen.push_back(device);
  }
  return chosen;
}

/// Those who say that adapting a release does not help which the schedule has not answered by a run.
Result<std::vector<ScheduleDevice>> FleetService::worse_devices(const ScheduleRow& schedule) const {
  if (schedule.devices_worse == 0) return std::vector<ScheduleDevice>();
  const auto next = store_.next_release();
  if (!next) return next.error();
  auto worse = selected(schedule.order.selection, store_.devices_worse(schedule.last_release));
  if (!worse) return worse;
  // A device is not believed when it says that it keeps what was never released.
  std::erase_if(*worse, [&next](const ScheduleDevice& device) { return device.release >= *next; });
  return worse;
}

/// Empty: it is not due.
Result<FleetService::Due> FleetService::why_due(const Scheduled& one) const {
  const ScheduleRow& row = one.row;
  std::vector<std::string> reasons;
  if (one.timer.is_due(loop_->now_ms(), unix_time_s())) reasons.push_back(fmt::format("{} s are over", row.every_s));
  const auto worse = worse_devices(row);
  if (!worse) return worse.error();
  Due due{"", row.last_release};
  for (const ScheduleDevice& device : *worse) due.release = std::max(due.release, device.release);
  const bool may_retry = loop_->now_ms() >= one.retry_ms;
  if (may_retry && !worse->empty() && worse->size() >= row.devices_worse) {
    reasons.push_back(
        fmt::format("{} devices say that adapting their release does not help: {}", worse->size(), named(*worse)));
  }
  if (may_retry && row.new_devices != 0) {
    const auto fresh = selected(row.order.selection, store_.devices_since(row.last_queued));
    if (!fresh) return fresh.error();
    if (fresh->size() >= row.new_devices) {
      reasons.push_back(fmt::format("{} devices are new: {}", fresh->size(), named(*fresh)));
    }
  }
  due.why = fmt::format("{}", fmt::join(reasons, "; "));
  return due;
}

/// Whoever is killed between the two writes queues the same run again, which is there once.
Result<void> FleetService::run_schedule(Scheduled& one) {
  const auto due = why_due(one);
  if (!due) return due.error();
  if (due->why.empty()) return {};
  ScheduleRow& row = one.row;
  RunOrder order = row.order;
  if (row.from_latest) {
    const auto latest = store_.latest_model_of(row.number);
    if (!latest) return latest.error();
    if (*latest != 0) order.init_model = *latest;
  }
  const auto experiment = parse_experiment(order.experiment_text, "experiment", order.overrides);
  if (!experiment) return note_failed(one, experiment.error().message);
  // A run that begins with another's model must draw other tasks and cohorts.
  order.overrides.push_back({"seed", std::to_string(experiment->seed + row.runs)});
  order.idempotency_key = fmt::format("\x01schedule {} run {}", row.number, row.runs);  // none that a client can send
  const auto queued = queue_run(order, fmt::format("schedule {}", row.number));
  if (!queued) {
    const bool is_store = queued.error().code == make_error_code(Status::kUnavailable) ||
                          queued.error().code == make_error_code(Status::kDamaged);
    return is_store ? Result<void>(queued.error()) : note_failed(one, queued.error().message);
  }
  if (one.timer.is_due(loop_->now_ms(), unix_time_s())) {
    row.next_unix_s = one.timer.rearm(loop_->now_ms(), unix_time_s());
  }
  ++row.runs;
  row.last_run = *queued;
  row.last_queued = utc_now();
  row.last_release = due->release;
  auto noted = store_.note_scheduled_run(row);
  if (!noted) return noted;
  event_of(*queued, "info", "schedule.due",
           fmt::format("schedule {} '{}': run {} is queued: {}", row.number, row.name, *queued, due->why));
  return {};
}

Result<void> FleetService::note_failed(Scheduled& one, const std::string& reason) {
  one.retry_ms = loop_->now_ms() + kRetryMs;
  if (one.timer.is_due(loop_->now_ms(), unix_time_s())) {
    one.row.next_unix_s = one.timer.rearm(loop_->now_ms(), unix_time_s());
  }
  event_of(0, "error", "schedule.failed",
           fmt::format("schedule {} '{}': no run could be queued: {}; it is tried again", one.row.number, one.row.name,
                       reason));
  return store_.change_schedule(one.row);
}

}  // namespace skink::coordinator
