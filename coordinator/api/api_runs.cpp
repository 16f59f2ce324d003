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
constexpr std::uint32_t kGateWaitS = 3600;

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

Gate read_gate(http::JsonFields& fields, std::uint32_t wait_s) {
  Gate gate;
  gate.least_gain = fields.number("least_gain", -1e6, 1e6, 0.0);
  gate.least_devices = static_cast<std::uint32_t>(fields.integer("least_devices", 1, 100'000, 1));
  gate.wait_s = static_cast<std::uint32_t>(fields.integer("wait_s", 0, 0x7fffffff, wait_s));
  return gate;
}

void read_release(http::JsonFields& fields, RunOrder& order) {
  const bool is_said = fields.value("release") != nullptr;
  const auto release = release_policy_of(fields.text("release", 1, 16, release_policy_text(order.release)));
  if (!release) return fields.refuse("release", "\"manual\", \"auto\" or \"gated\"");
  order.release = *release;
  const boost::json::value* gate = fields.value("gate");
  const bool has_gate = gate != nullptr && !gate->is_null();
  if (has_gate != (is_said && *release == ReleasePolicy::kGated)) {
    return fields.refuse("gate", has_gate ? "only with \"release\": \"gated\"" : "the gate of a gated release");
  }
  if (!has_gate) return;
  if (!gate->is_object()) return fields.refuse("gate", "an object");
  http::JsonFields parts(gate->get_object());
  order.gate_group = parts.name("group", 1, 64);
  order.gate = read_gate(parts, kGateWaitS);
  if (const auto fine = parts.finish(); !fine) fields.blame("gate", fine.error().message);
}

RunOrder read_order(http::JsonFields& fields) {
  RunOrder order;
  const boost::json::value* text = fields.value("experiment");  // with line ends: not a text of the API
  if (text != nullptr && text->is_string()) order.experiment_text = text->get_string();
  if (order.experiment_text.empty()) fields.refuse("experiment", "the text of an experiment file");
  order.overrides = read_overrides(fields);
  order.init_model = static_cast<std::uint32_t>(fields.integer("init_model", 0, 0x7fffffff, 0));
  order.selection.group = fields.name("group", 0, 64, "");
  order.selection.label = fields.name("label", 0, 128, "");
  order.selection.firmware = fields.text("firmware", 0, 32, "");
  read_release(fields, order);
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
               const std::string* phase = request.query_parameter("phase");
               const auto wanted = phase == nullptr ? std::nullopt : run_phase_of(*phase);
               if (phase != nullptr && !wanted) {
                 return respond(http::problem(400, "invalid-parameter", "'phase': a phase of runs expected"));
               }
               auto runs = store_.runs({*after, *limit}, wanted);
               if (!runs) return respond(store_failed(runs.error()));
               for (RunRow& run : *runs) count_rounds(state_folder_, run);
               respond(page_of(*runs, *limit, [](const RunRow& run) { return run.number; }));
             });
  router.add("GET", "/api/v1/runs/{number}", http::Scope::kRead, "One run",
             [this](const http::Request& request, http::Responder respond) {
               auto run = store_.run(number_of(request));
               if (!run) return respond(store_failed(run.error()));
               if (!*run) return respond(not_found("run " + request.parameter("number")));
               count_rounds(state_folder_, **run);
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
  const auto key = idempotency_key_of(request);
  if (!key) return respond(bad_parameter(key.error()));
  order.idempotency_key = *key;
  service_.post([order = std::move(order), who = request.principal->name,
                 respond = std::make_shared<http::Responder>(std::move(respond))](FleetService& service) {
    const auto number = service.queue_run(order, who);
    if (!number) {
      const Error& error = number.error();
      return (*respond)(refused(error, http::problem(422, "invalid-run", error.message)));
    }
    const auto run = service.store().run(*number);
    if (!run || !*run) return (*respond)(http::problem(503, "store-failed", "the run cannot be read"));
    (*respond)(created("/api/v1/runs", *number, to_json(**run)));
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
