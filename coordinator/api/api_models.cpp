/// @file
/// Requests about models and releases.

#include "api_json.hpp"
#include "skink/common/limits.hpp"
#include "skink/coordinator/api/api.hpp"
#include "skink/coordinator/http/json_fields.hpp"
#include "skink/coordinator/http/problem.hpp"

namespace skink::coordinator::api {
namespace {

/// The row of this number, of a page that begins with it.
template <class Row>
http::Response one_of(const Result<std::vector<Row>>& rows, std::uint32_t number, const std::string& what) {
  if (!rows) return store_failed(rows.error());
  if (rows->empty() || rows->front().number != number) return not_found(what);
  return http::json_response(boost::json::serialize(to_json(rows->front())));
}

}  // namespace

void Api::add_models(http::Router& router) {
  router.add("GET", "/api/v1/models", http::Scope::kRead, "The registry of models",
             [this](const http::Request& request, http::Responder respond) {
               const auto after = after_of(request);
               const auto limit = limit_of(request);
               if (!after || !limit) return respond(bad_parameter((after ? limit.error() : after.error())));
               const auto models = store_.models({*after, *limit});
               if (!models) return respond(store_failed(models.error()));
               respond(page_of(*models, *limit, [](const ModelRow& model) { return model.number; }));
             });
  router.add("POST", "/api/v1/models", http::Scope::kOperate, "A model that a run keeps goes into the registry",
             [this](const http::Request& request, http::Responder respond) { add_model(request, std::move(respond)); });
  router.add("GET", "/api/v1/models/{number}", http::Scope::kRead, "One model",
             [this](const http::Request& request, http::Responder respond) {
               const auto model = store_.model(number_of(request));
               if (!model) return respond(store_failed(model.error()));
               if (!*model) return respond(not_found("model " + request.parameter("number")));
               respond(http::json_response(boost::json::serialize(to_json(**model))));
             });
  router.add("GET", "/api/v1/models/{number}/file", http::Scope::kRead, "The model file",
             [this](const http::Request& request, http::Responder respond) {
               const auto file = store_.model_file(number_of(request));
               if (!file) return respond(store_failed(file.error()));
               if (file->empty()) return respond(not_found("model " + request.parameter("number")));
               http::Response response;
               response.content_type = "application/octet-stream";
               response.body = http::Body(std::string(file->begin(), file->end()));
               response.headers.emplace_back("Content-Disposition",
                                             "attachment; filename=\"model-" + request.parameter("number") + ".skm\"");
               respond(std::move(response));
             });
}

void Api::add_model(const http::Request& request, http::Responder respond) {
  const auto body = http::json_body(request);
  if (!body) return respond(http::problem_of(body.error()));
  http::JsonFields fields(*body);
  const auto run = static_cast<std::uint32_t>(fields.integer("run", 1, 0x7fffffff));
  const auto round = static_cast<std::uint32_t>(fields.integer("round", 0, limits::kMaxRounds, 0));
  if (const auto fine = fields.finish(); !fine) return respond(http::problem_of(fine.error()));
  service_.post([run, round, who = request.principal->name,
                 respond = std::make_shared<http::Responder>(std::move(respond))](FleetService& service) {
    const auto number = service.add_model(run, round, who);
    if (!number) {
      const Error& error = number.error();
      return (*respond)(refused(error, http::problem(422, "invalid-run", error.message)));
    }
    const auto model = service.store().model(*number);
    if (!model || !*model) return (*respond)(http::problem(503, "store-failed", "the model cannot be read"));
    (*respond)(created("/api/v1/models", *number, to_json(**model)));
  });
}

void Api::add_releases(http::Router& router) {
  router.add("GET", "/api/v1/releases", http::Scope::kRead, "Releases in the order of their numbers",
             [this](const http::Request& request, http::Responder respond) {
               const auto after = after_of(request);
               const auto limit = limit_of(request);
               if (!after || !limit) return respond(bad_parameter((after ? limit.error() : after.error())));
               const auto releases = store_.releases({*after, *limit});
               if (!releases) return respond(store_failed(releases.error()));
               respond(page_of(*releases, *limit, [](const ReleaseRow& release) { return release.number; }));
             });
  router.add("GET", "/api/v1/releases/{number}", http::Scope::kRead, "One release",
             [this](const http::Request& request, http::Responder respond) {
               const std::uint32_t number = number_of(request);
               const auto rows = number == 0 ? Result<std::vector<ReleaseRow>>({}) : store_.releases({number - 1, 1});
               respond(one_of(rows, number, "release " + request.parameter("number")));
             });
  router.add(
      "POST", "/api/v1/releases", http::Scope::kOperate, "Devices shall use a model of the registry",
      [this](const http::Request& request, http::Responder respond) { release_model(request, std::move(respond)); });
  router.add("GET", "/api/v1/trials", http::Scope::kRead, "Models that a group tries before the others get them",
             [this](const http::Request& request, http::Responder respond) {
               const auto after = after_of(request);
               const auto limit = limit_of(request);
               if (!after || !limit) return respond(bad_parameter((after ? limit.error() : after.error())));
               const auto trials = store_.trials({*after, *limit});
               if (!trials) return respond(store_failed(trials.error()));
               respond(page_of(*trials, *limit, [](const TrialRow& trial) { return trial.number; }));
             });
  router.add("GET", "/api/v1/trials/{number}", http::Scope::kRead, "One trial",
             [this](const http::Request& request, http::Responder respond) {
               const std::uint32_t number = number_of(request);
               const auto rows = number == 0 ? Result<std::vector<TrialRow>>({}) : store_.trials({number - 1, 1});
               respond(one_of(rows, number, "trial " + request.parameter("number")));
             });
  router.add("POST", "/api/v1/trials", http::Scope::kOperate,
             "A group judges a model against the one that all have; a gate decides",
             [this](const http::Request& request, http::Responder respond) { try_model(request, std::move(respond)); });
}

void Api::release_model(const http::Request& request, http::Responder respond) {
  const auto body = http::json_body(request);
  if (!body) return respond(http::problem_of(body.error()));
  http::JsonFields fields(*body);
  const auto model = static_cast<std::uint32_t>(fields.integer("model", 1, 0x7fffffff));
  const std::string group = fields.name("group", 0, 64, "");
  if (const auto fine = fields.finish(); !fine) return respond(http::problem_of(fine.error()));
  const auto key = idempotency_key_of(request);
  if (!key) return respond(bad_parameter(key.error()));
  service_.post([model, group, key = *key, who = request.principal->name,
                 respond = std::make_shared<http::Responder>(std::move(respond))](FleetService& service) {
    const auto number = service.once("release", key, [&] { return service.release_model(model, group, who); });
    if (!number) {
      const Error& error = number.error();
      return (*respond)(refused(error, http::problem(422, "invalid-release", error.message)));
    }
    const auto rows = service.store().releases({*number - 1, 1});
    if (!rows || rows->empty()) return (*respond)(http::problem(503, "store-failed", "the release cannot be read"));
    (*respond)(created("/api/v1/releases", *number, to_json(rows->front())));
  });
}

void Api::try_model(const http::Request& request, http::Responder respond) {
  const auto body = http::json_body(request);
  if (!body) return respond(http::problem_of(body.error()));
  http::JsonFields fields(*body);
  const auto model = static_cast<std::uint32_t>(fields.integer("model", 1, 0x7fffffff));
  const std::string group = fields.name("group", 1, 64);
  const Gate gate = read_gate(fields, 600);
  if (const auto fine = fields.finish(); !fine) return respond(http::problem_of(fine.error()));
  const auto key = idempotency_key_of(request);
  if (!key) return respond(bad_parameter(key.error()));
  service_.post([model, group, gate, key = *key, who = request.principal->name,
                 respond = std::make_shared<http::Responder>(std::move(respond))](FleetService& service) {
    const auto number = service.once("trial", key, [&] { return service.try_model(model, group, gate, who); });
    if (!number) {
      const Error& error = number.error();
      return (*respond)(refused(error, http::problem(422, "invalid-trial", error.message)));
    }
    const auto rows = service.store().trials({*number - 1, 1});
    if (!rows || rows->empty()) return (*respond)(http::problem(503, "store-failed", "the trial cannot be read"));
    (*respond)(created("/api/v1/trials", *number, to_json(rows->front())));
  });
}

}  // namespace skink::coordinator::api
