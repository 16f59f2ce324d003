/// @file
/// Requests about schedules.

#include "api_json.hpp"
#include "skink/coordinator/api/api.hpp"
#include "skink/coordinator/http/problem.hpp"

namespace skink::coordinator::api {
namespace {

constexpr std::int64_t kMost = 0x7fffffff;
constexpr std::int64_t kMostDevices = 100'000;

std::uint32_t count(http::JsonFields& fields, std::string_view name, std::int64_t most, std::int64_t fallback) {
  return static_cast<std::uint32_t>(fields.integer(name, 0, most, fallback));
}

/// What makes it due; what the fields do not say stays.
void read_triggers(http::JsonFields& fields, ScheduleRow& schedule) {
  schedule.every_s = count(fields, "every_s", kMost, schedule.every_s);
  schedule.devices_worse = count(fields, "devices_worse", kMostDevices, schedule.devices_worse);
  schedule.new_devices = count(fields, "new_devices", kMostDevices, schedule.new_devices);
  schedule.enabled = fields.boolean("enabled", schedule.enabled);
}

/// 404 for none.
http::Response schedule_response(FleetStore& store, std::uint32_t number) {
  if (number == 0) return not_found("such schedule");
  const auto rows = store.schedules({number - 1, 1});
  if (!rows) return store_failed(rows.error());
  if (rows->empty() || rows->front().number != number) return not_found("schedule " + std::to_string(number));
  return http::json_response(boost::json::serialize(to_json(rows->front())));
}

http::Response not_made(const Error& error) {
  return refused(error, http::problem(422, "invalid-schedule", error.message));
}

}  // namespace

void Api::add_schedules(http::Router& router) {
  router.add("GET", "/api/v1/schedules", http::Scope::kRead, "What queues runs again and again",
             [this](const http::Request& request, http::Responder respond) {
               const auto after = after_of(request);
               const auto limit = limit_of(request);
               if (!after || !limit) return respond(bad_parameter((after ? limit.error() : after.error())));
               const auto schedules = store_.schedules({*after, *limit});
               if (!schedules) return respond(store_failed(schedules.error()));
               respond(page_of(*schedules, *limit, [](const ScheduleRow& schedule) { return schedule.number; }));
             });
  router.add("GET", "/api/v1/schedules/{number}", http::Scope::kRead, "One schedule",
             [this](const http::Request& request, http::Responder respond) {
               respond(schedule_response(store_, number_of(request)));
             });
  router.add(
      "POST", "/api/v1/schedules", http::Scope::kOperate, "Queues runs again and again",
      [this](const http::Request& request, http::Responder respond) { add_schedule(request, std::move(respond)); });
  router.add(
      "PATCH", "/api/v1/schedules/{number}", http::Scope::kOperate,
      "Pauses and resumes a schedule, changes what makes it due",
      [this](const http::Request& request, http::Responder respond) { change_schedule(request, std::move(respond)); });
  router.add(
      "DELETE", "/api/v1/schedules/{number}", http::Scope::kOperate, "Ends a schedule; its runs and models stay",
      [this](const http::Request& request, http::Responder respond) { remove_schedule(request, std::move(respond)); });
}

void Api::add_schedule(const http::Request& request, http::Responder respond) {
  const auto body = http::json_body(request);
  if (!body) return respond(http::problem_of(body.error()));
  http::JsonFields fields(*body);
  ScheduleRow schedule;
  schedule.order = read_order(fields);
  schedule.name = fields.text("name", 0, 64, "");
  schedule.from_latest = fields.boolean("from_latest", false);
  read_triggers(fields, schedule);
  const std::uint32_t first_s = count(fields, "first_s", kMost, schedule.every_s);
  if (first_s > schedule.every_s) fields.refuse("first_s", "at most every_s");
  if (const auto fine = fields.finish(); !fine) return respond(http::problem_of(fine.error()));
  const auto key = idempotency_key_of(request);
  if (!key) return respond(bad_parameter(key.error()));
  service_.post([schedule = std::move(schedule), first_s, key = *key, who = request.principal->name,
                 respond = std::make_shared<http::Responder>(std::move(respond))](FleetService& service) {
    const auto number = service.once("schedule", key, [&] { return service.add_schedule(schedule, first_s, who); });
    if (!number) return (*respond)(not_made(number.error()));
    const auto rows = service.store().schedules({*number - 1, 1});
    if (!rows) return (*respond)(store_failed(rows.error()));
    if (rows->empty() || rows->front().number != *number) {
      return (*respond)(not_found("schedule " + std::to_string(*number)));  // made by this key, and removed since
    }
    boost::json::object made = to_json(rows->front());
    boost::json::array& notes = made["notes"].emplace_array();
    const auto doubts = service.doubts_of(rows->front().order);
    if (!doubts) return (*respond)(store_failed(doubts.error()));
    for (const std::string& doubt : *doubts) notes.emplace_back(doubt);
    (*respond)(created("/api/v1/schedules", *number, made));
  });
}

void Api::change_schedule(const http::Request& request, http::Responder respond) {
  const auto body = http::json_body(request);
  if (!body) return respond(http::problem_of(body.error()));
  service_.post([number = number_of(request), body = *body, who = request.principal->name,
                 respond = std::make_shared<http::Responder>(std::move(respond))](FleetService& service) {
    const auto rows = number == 0 ? Result<std::vector<ScheduleRow>>({}) : service.store().schedules({number - 1, 1});
    if (!rows) return (*respond)(store_failed(rows.error()));
    if (rows->empty() || rows->front().number != number) {
      return (*respond)(not_found("schedule " + std::to_string(number)));
    }
    ScheduleRow schedule = rows->front();
    http::JsonFields fields(body);
    read_triggers(fields, schedule);
    schedule.order.wait_s = count(fields, "wait_s", kMost, schedule.order.wait_s);
    read_release(fields, schedule.order);
    if (const auto fine = fields.finish(); !fine) return (*respond)(http::problem_of(fine.error()));
    const auto done = service.change_schedule(schedule, who);
    (*respond)(done ? schedule_response(service.store(), number) : not_made(done.error()));
  });
}

void Api::remove_schedule(const http::Request& request, http::Responder respond) {
  service_.post([number = number_of(request), who = request.principal->name,
                 respond = std::make_shared<http::Responder>(std::move(respond))](FleetService& service) {
    const auto removed = service.remove_schedule(number, who);
    if (!removed) return (*respond)(store_failed(removed.error()));
    (*respond)(*removed ? http::no_content() : not_found("schedule " + std::to_string(number)));
  });
}

}  // namespace skink::coordinator::api
