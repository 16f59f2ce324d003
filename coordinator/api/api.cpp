#include "skink/coordinator/api/api.hpp"

#include <algorithm>
#include <chrono>

#include "api_json.hpp"
#include "openapi_document.hpp"
#include "skink/coordinator/http/json_fields.hpp"
#include "skink/coordinator/http/problem.hpp"
#include "skink/host/program/build.hpp"

namespace skink::coordinator::api {
namespace {

constexpr std::string_view kBearer = "Bearer ";
constexpr const char* kUnixName = "local";  ///< of whoever comes by the unix socket, in the audit trail

std::optional<http::Scope> scope_of(std::string_view text) {
  for (const http::Scope scope : {http::Scope::kRead, http::Scope::kOperate, http::Scope::kAdmin}) {
    if (text == http::scope_text(scope)) return scope;
  }
  return std::nullopt;
}

/// No process before can have given these ids: streams that resume are told of the gap.
std::uint64_t first_event_id() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

}  // namespace

// ---- tokens ---------------------------------------------------------------------------------------------------------

/// A hash of 256 random bits is looked up: how long that takes says nothing of the bits.
std::optional<http::Principal> TokenBook::find(std::string_view authorization) const {
  if (authorization.substr(0, kBearer.size()) != kBearer) return std::nullopt;
  const std::string sha256 = token_hash(authorization.substr(kBearer.size()));
  const std::lock_guard lock(mutex_);
  const auto found = by_sha256_.find(sha256);
  return found == by_sha256_.end() ? std::nullopt : std::make_optional(found->second);
}

void TokenBook::replace(const std::vector<TokenRow>& tokens) {
  std::map<std::string, http::Principal, std::less<>> by_sha256;
  for (const TokenRow& token : tokens) {
    const auto scope = scope_of(token.scope);
    if (scope) by_sha256.emplace(token.sha256, http::Principal{token.name, *scope});
  }
  const std::lock_guard lock(mutex_);
  by_sha256_ = std::move(by_sha256);
}

// ---- the interface --------------------------------------------------------------------------------------------------

Api::Api(FleetService& service, FleetStore store, std::string state_folder)
    : service_(service), store_(std::move(store)), state_folder_(std::move(state_folder)) {
  http::EventHub::Options options;
  options.first_id = first_event_id();
  hub_ = std::make_shared<http::EventHub>(options);
}

Result<std::unique_ptr<Api>> Api::create(FleetService& service, const std::string& state_folder) {
  auto store = FleetStore::open_to_read(state_folder + "/fleet.db");
  if (!store) return store.error();
  std::unique_ptr<Api> api(new Api(service, std::move(*store), state_folder));
  const auto read = api->read_tokens();
  if (!read) return read.error();
  return api;
}

Result<void> Api::read_tokens() {
  const auto tokens = store_.tokens();
  if (!tokens) return tokens.error();
  tokens_.replace(*tokens);
  return {};
}

http::Authentication Api::authentication() {
  http::Authentication authentication;
  authentication.tokens = http::Tokens::kRequired;
  authentication.authenticate = [this](std::string_view authorization,
                                       const http::Peer& peer) -> std::optional<http::Principal> {
    if (!authorization.empty()) return tokens_.find(authorization);
    if (peer.kind == http::PeerKind::kUnix) return http::Principal{kUnixName, http::Scope::kAdmin};
    return std::nullopt;
  };
  return authentication;
}

void Api::publish(const std::string& type, std::string json) {
  (void)hub_->publish(type, std::move(json));  // fails only for a text of more than 64 KiB, which none is
}

FleetObserver Api::observer(std::function<void(const EventRow&)> log) {
  FleetObserver observer;
  observer.on_event = [this, log = std::move(log)](const EventRow& event) {
    if (log) log(event);
    publish(event.event, boost::json::serialize(to_json(event)));
  };
  observer.on_round = [this](const RunRow& run, const Coordinator& core) {
    publish("round", boost::json::serialize(boost::json::object{{"run", run.number},
                                                                {"rounds_done", core.rounds_done()},
                                                                {"rounds", run.rounds},
                                                                {"device_rounds", core.traffic().device_rounds},
                                                                {"uplink_bytes", core.traffic().uplink_bytes},
                                                                {"downlink_bytes", core.traffic().downlink_bytes},
                                                                {"model_sha256", core.model().digest_text()}}));
  };
  return observer;
}

http::Router Api::router() {
  http::Router router;
  add_health(router);
  add_runs(router);
  add_run_changes(router);
  add_evaluations(router);
  add_models(router);
  add_releases(router);
  add_schedules(router);
  add_devices(router);
  add_renewals(router);
  add_events(router);
  add_tokens(router);
  add_page(router);
  return router;
}

void Api::add_health(http::Router& router) {
  router.add(
      "GET", "/health/live", http::Scope::kNone, "The process answers",
      [](const http::Request&, http::Responder respond) { respond(http::json_response(R"({"status":"live"})")); });
  router.add(
      "GET", "/health/ready", http::Scope::kNone, "The service is at work, or why it is not",
      [this](const http::Request& request, http::Responder respond) { show_ready(request, std::move(respond)); });
  router.add("GET", "/version", http::Scope::kNone, "What this program was made from",
             [](const http::Request&, http::Responder respond) {
               respond(http::json_response(
                   boost::json::serialize(boost::json::object{{"version", kSkinkVersion}, {"compiler", kCompiler}})));
             });
  const http::Asset description{
      .path = "/openapi.json",
      .content_type = "application/json",
      .bytes = openapi_document(),
      .etag = openapi_document_etag(),
  };
  router.add_assets({&description, 1});
  router.add(
      "GET", "/metrics", http::Scope::kRead, "Metrics in Prometheus' text format",
      [this](const http::Request& request, http::Responder respond) { show_metrics(request, std::move(respond)); });
  router.add(
      "GET", "/api/v1/session", http::Scope::kRead, "Who asks, and what he may do with which fleet",
      [this](const http::Request& request, http::Responder respond) { show_session(request, std::move(respond)); });
  router.add(
      "GET", "/api/v1/status", http::Scope::kRead, "What the service does now, and why it does not go on",
      [this](const http::Request& request, http::Responder respond) { show_status(request, std::move(respond)); });
}

/// What a client may do, so that a page offers nothing else.
void Api::show_session(const http::Request& request, http::Responder respond) {
  const Settings& settings = service_.settings();
  respond(
      http::json_response(boost::json::serialize(boost::json::object{{"name", request.principal->name},
                                                                     {"scope", scope_text(request.principal->scope)},
                                                                     {"fleet", settings.fleet},
                                                                     {"version", kSkinkVersion},
                                                                     {"releases", !settings.release_pki.empty()},
                                                                     {"revokes", !settings.revoked.empty()}})));
}

/// The responder is shared because posted work is copied.
void Api::show_status(const http::Request& /*request*/, http::Responder respond) {
  service_.post([respond = std::make_shared<http::Responder>(std::move(respond))](FleetService& service) {
    (*respond)(http::json_response(boost::json::serialize(to_json(service.state()))));
  });
}

void Api::show_ready(const http::Request& /*request*/, http::Responder respond) {
  service_.post([respond = std::make_shared<http::Responder>(std::move(respond))](FleetService& service) {
    const ServiceState state = service.state();
    boost::json::array reasons;
    if (!state.connected) {
      const char* code = state.phase == ServicePhase::kStandby ? "standby" : "broker-lost";
      reasons.push_back({{"code", code}, {"detail", http::printable_lines(state.reason)}});
    }
    if (state.phase == ServicePhase::kStalled) {
      reasons.push_back({{"code", "run-stalled"}, {"detail", http::printable_lines(state.reason)}});
    }
    const bool is_ready = reasons.empty();
    (*respond)(http::json_response(
        boost::json::serialize(boost::json::object{{"status", is_ready ? "ready" : "not ready"}, {"reasons", reasons}}),
        is_ready ? 200 : 503));
  });
}

void Api::add_events(http::Router& router) {
  router.add_server_sent_events("/api/v1/events", http::Scope::kRead, "Events as they happen", hub_);
  router.add_websocket("/api/v1/ws", http::Scope::kRead, "The same over a WebSocket", hub_);
  router.add("GET", "/api/v1/log", http::Scope::kRead, "The last 10,000 events that are kept",
             [this](const http::Request& request, http::Responder respond) {
               const auto highest = store_.last_event();
               if (!highest) return respond(store_failed(highest.error()));
               const auto page = page_or_last_of(request, *highest);
               if (!page) return respond(bad_parameter(page.error()));
               const auto text = [&request](const char* name) {
                 const std::string* value = request.query_parameter(name);
                 return value == nullptr ? std::nullopt : std::optional<std::string>(*value);
               };
               const auto level = text("level");
               if (level && *level != "info" && *level != "warning" && *level != "error") {
                 return respond(http::problem(400, "invalid-parameter", "'level': info, warning or error expected"));
               }
               const auto events = store_.events(*page, {text("level"), text("event"), text("device")});
               if (!events) return respond(store_failed(events.error()));
               respond(page_of(*events, page->limit, [](const EventRow& event) { return event.id; }));
             });
  router.add("GET", "/api/v1/audit", http::Scope::kAdmin, "Who changed what",
             [this](const http::Request& request, http::Responder respond) {
               const auto highest = store_.last_audit();
               if (!highest) return respond(store_failed(highest.error()));
               const auto page = page_or_last_of(request, *highest);
               if (!page) return respond(bad_parameter(page.error()));
               const auto rows = store_.audit(*page);
               if (!rows) return respond(store_failed(rows.error()));
               respond(page_of(*rows, page->limit, [](const AuditRow& row) { return row.id; }));
             });
}

// ---- tokens over the interface --------------------------------------------------------------------------------------

void Api::add_tokens(http::Router& router) {
  router.add("GET", "/api/v1/tokens", http::Scope::kAdmin, "The tokens, without their secrets",
             [this](const http::Request& /*request*/, http::Responder respond) {
               const auto tokens = store_.tokens();
               if (!tokens) return respond(store_failed(tokens.error()));
               respond(page_of(*tokens, 0xffffffffU, [](const TokenRow& token) { return token.id; }));
             });
  router.add("POST", "/api/v1/tokens", http::Scope::kAdmin, "Makes a token; its secret is shown once",
             [this](const http::Request& request, http::Responder respond) { add_token(request, std::move(respond)); });
  router.add(
      "DELETE", "/api/v1/tokens/{number}", http::Scope::kAdmin, "A token is good for nothing from now on",
      [this](const http::Request& request, http::Responder respond) { remove_token(request, std::move(respond)); });
}

void Api::add_token(const http::Request& request, http::Responder respond) {
  const auto body = http::json_body(request);
  if (!body) return respond(http::problem_of(body.error()));
  http::JsonFields fields(*body);
  const std::string name = fields.name("name", 1, 64);
  const std::string scope = fields.text("scope", 1, 16);
  if (name == kUnixName) fields.refuse("name", "another name than that of the unix socket");
  if (!scope_of(scope)) fields.refuse("scope", "\"read\", \"operate\" or \"admin\"");
  if (const auto fine = fields.finish(); !fine) return respond(http::problem_of(fine.error()));
  service_.post([this, token = make_token(name, scope), who = request.principal->name,
                 respond = std::make_shared<http::Responder>(std::move(respond))](FleetService& service) {
    const auto tokens = service.store().tokens();
    if (!tokens) return (*respond)(store_failed(tokens.error()));
    const auto same = std::find_if(tokens->begin(), tokens->end(),
                                   [&token](const TokenRow& one) { return one.name == token.row.name; });
    if (same != tokens->end()) {
      return (*respond)(http::problem(409, "name-taken",
                                      "token " + std::to_string(same->id) + " is named '" + token.row.name +
                                          "': names say in the audit trail who did what, so choose another one, or "
                                          "remove that token first"));
    }
    auto done = service.note_audit(who, "token.add", token.row.name, token.row.scope);
    const auto id = done ? service.store().add_token(token.row) : Result<std::uint32_t>(done.error());
    if (id) done = read_tokens_of(service);
    if (!id || !done) return (*respond)(store_failed(id ? done.error() : id.error()));
    (*respond)(http::json_response(
        boost::json::serialize(boost::json::object{
            {"id", *id}, {"name", token.row.name}, {"scope", token.row.scope}, {"secret", token.secret}}),
        201));
  });
}

/// On the service's thread, from its store.
Result<void> Api::read_tokens_of(FleetService& service) {
  const auto tokens = service.store().tokens();
  if (!tokens) return tokens.error();
  tokens_.replace(*tokens);
  return {};
}

void Api::remove_token(const http::Request& request, http::Responder respond) {
  const std::uint32_t id = number_of(request);
  service_.post([this, id, who = request.principal->name,
                 respond = std::make_shared<http::Responder>(std::move(respond))](FleetService& service) {
    const auto removed = service.store().remove_token(id);
    auto done = removed ? read_tokens_of(service) : Result<void>(removed.error());
    if (done && *removed) done = service.note_audit(who, "token.remove", std::to_string(id), "");
    if (!done) return (*respond)(store_failed(done.error()));
    (*respond)(*removed ? http::no_content() : not_found("token " + std::to_string(id)));
  });
}

}  // namespace skink::coordinator::api
