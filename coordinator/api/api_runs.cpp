/// @file
/// Requests about runs and models.

#include "api_json.hpp"
#include "skink/common/limits.hpp"
#include "skink/coordinator/api/api.hpp"
#include "skink/coordinator/http/json_fields.hpp"
#include "skink/coordinator/http/problem.hpp"

namespace skink::coordinator::api {
namespace {

constexpr std::size_t kMostOverrides = 64;
constexpr std::size_t kMostKey = 128;

std::string run_text(std::uint32_t number) { return "run " + std::to_string(number); }

/// {"meta.rounds": "30", "seed": 2}: a value that is no text is written as TOML has it.
std::vector<Override> read_overrides(http::JsonFields& fields) {
  std::vector<Override> overrides;
  const boost::json::value* value = fields.value("set");
  if (value == nullptr) return overrides;
  if (!value->is_object() || value->get_object().size() > kMostOverrides) {
    fields.refuse("set", "an object of at most 64 keys");
    return overrides;
  }
  for (const auto& [key, one] : value->get_object()) {
    overrides.push_back(
        {std::string(key), one.is_string() ? std::string(one.get_string()) : boost::json::serialize(one)});
  }
  return overrides;
}

}  // namespace

RunOrder read_order(http::JsonFields& fields) {
  RunOrder order;
  const boost::json::value* text = fields.value("experiment");  // with line ends: not a text of the API
  if (text != nullptr && text->is_string()) order.experiment_text = text->get_string();
  if (order.experiment_text.empty()) fields.refuse("experiment", "the text of an experiment file");
  order.overrides = read_overrides(fields);
  order.init_model = static_cast<std::uint32_t>(fields.integer("init_model", 0, 0x7fffffff, 0));
  order.selection.group = fields.text("group", 0, 64, "");
  order.selection.label = fields.text("label", 0, 128, "");
  order.selection.firmware = fields.text("firmware", 0, 32, "");
  const std::string release = fields.text("release", 1, 16, "manual");
  if (release != "manual" && release != "auto") fields.refuse("release", "\"manual\" or \"auto\"");
  order.release = release == "auto" ? ReleasePolicy::kAuto : ReleasePolicy::kManual;
  order.checkpoint_rounds = static_cast<std::uint32_t>(fields.integer("checkpoint_rounds", 0, limits::kMaxRounds, 0));
  order.wait_s = static_cast<std::uint32_t>(fields.integer("wait_s", 0, 0x7fffffff, 0));
  return order;
}

void Api::add_runs(http::Router& router) {
  router.add("GET", "/api/v1/runs", http::Scope::kRead, "Runs in the order of their numbers",
             [this](const http::Request& request, http::Responder respond) {
               const auto after = after_of(request);
               const auto limit = limit_of(request);
               if (!after || !limit) return respond(bad_parameter((after ? limit.error() : after.error())));
               const auto runs = store_.runs({*after, *limit});
               if (!runs) return respond(store_failed(runs.error()));
               respond(page_of(*runs, *limit, [](const RunRow& run) { return run.number; }));
             });
  router.add("GET", "/api/v1/runs/{number}", http::Scope::kRead, "One run",
             [this](const http::Request& request, http::Responder respond) {
               const auto run = store_.run(number_of(request));
               if (!run) return respond(store_failed(run.error()));
               if (!*run) return respond(not_found("run " + request.parameter("number")));
               respond(http::json_response(boost::json::serialize(to_json(**run))));
             });
  router.add(
      "GET", "/api/v1/runs/{number}/rounds", http::Scope::kRead, "Finished rounds of a run",
      [this](const http::Request& request, http::Responder respond) { show_rounds(request, std::move(respond)); });
}

void Api::add_run_changes(http::Router& router) {
  router.add("POST", "/api/v1/runs", http::Scope::kOperate, "Puts a run at the end of the queue",
             [this](const http::Request& request, http::Responder respond) { queue_run(request, std::move(respond)); });
  router.add("POST", "/api/v1/runs/{number}:pause", http::Scope::kOperate,
             "Stops asking devices; the run keeps its turn",
             [this](const http::Request& request, http::Responder respond) {
               change_run(request, std::move(respond), &FleetService::pause_run);
             });
  router.add("POST", "/api/v1/runs/{number}:resume", http::Scope::kOperate, "A paused run goes on",
             [this](const http::Request& request, http::Responder respond) {
               change_run(request, std::move(respond), &FleetService::resume_run);
             });
  router.add("POST", "/api/v1/runs/{number}:stop", http::Scope::kOperate,
             "Ends a run; the model that it has learned is kept",
             [this](const http::Request& request, http::Responder respond) {
               change_run(request, std::move(respond), &FleetService::stop_run);
             });
}

/// The run's own store says them, also while it is written.
void Api::show_rounds(const http::Request& request, http::Responder respond) {
  const auto after = after_of(request);
  const auto limit = limit_of(request);
  if (!after || !limit) return respond(bad_parameter((after ? limit.error() : after.error())));
  const auto run = find_run(store_, state_folder_, request, respond);
  if (!run) return;
  std::vector<rounds::RoundRecord> records;
  if (run->store) {
    auto read =
        run->store->rounds(static_cast<std::uint32_t>(std::min<std::uint64_t>(*after, limits::kMaxRounds)), *limit);
    if (!read) return respond(store_failed(read.error()));
    records = std::move(*read);
  }
  respond(page_of(records, *limit, [](const rounds::RoundRecord& record) { return record.round + 1; }));
}

void Api::queue_run(const http::Request& request, http::Responder respond) {
  const auto body = http::json_body(request);
  if (!body) return respond(http::problem_of(body.error()));
  http::JsonFields fields(*body);
  RunOrder order = read_order(fields);
  if (const auto fine = fields.finish(); !fine) return respond(http::problem_of(fine.error()));
  if (request.idempotency_key.size() > kMostKey) {
    return respond(http::problem(400, "invalid-parameter", "Idempotency-Key: at most 128 bytes"));
  }
  order.idempotency_key = request.idempotency_key;
  service_.post([order = std::move(order), who = request.principal->name,
                 respond = std::make_shared<http::Responder>(std::move(respond))](FleetService& service) {
    const auto number = service.queue_run(order, who);
    if (!number && number.error().code == make_error_code(Status::kInvalidArgument)) {
      return (*respond)(http::problem(422, "invalid-run", number.error().message));
    }
    if (!number) return (*respond)(store_failed(number.error()));
    const auto run = service.store().run(*number);
    if (!run || !*run) return (*respond)(http::problem(503, "store-failed", "the run cannot be read"));
    http::Response response = http::json_response(boost::json::serialize(to_json(**run)), 201);
    response.headers.emplace_back("Location", "/api/v1/runs/" + std::to_string(*number));
    (*respond)(std::move(response));
  });
}

void Api::change_run(const http::Request& request, http::Responder respond,
                     Result<void> (FleetService::*change)(std::uint32_t, const std::string&)) {
  service_.post([number = number_of(request), who = request.principal->name, change,
                 respond = std::make_shared<http::Responder>(std::move(respond))](FleetService& service) {
    const auto there = service.store().run(number);
    if (!there) return (*respond)(store_failed(there.error()));
    if (!*there) return (*respond)(not_found(run_text(number)));
    const auto done = (service.*change)(number, who);
    if (!done && done.error().code == make_error_code(Status::kInvalidArgument)) {
      return (*respond)(http::problem(409, "wrong-phase", done.error().message));
    }
    if (!done) return (*respond)(store_failed(done.error()));
    const auto run = service.store().run(number);
    if (!run || !*run) return (*respond)(http::problem(503, "store-failed", "the run cannot be read"));
    (*respond)(http::json_response(boost::json::serialize(to_json(**run))));
  });
}

}  // namespace skink::coordinator::api
