#include "gate.hpp"

#include <algorithm>

#include "header_values.hpp"
#include "skink/coordinator/http/problem.hpp"

namespace skink::coordinator::http {
namespace {

std::string joined(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "" : ", ") + text;
  return list;
}

Response unauthorized(const std::string& detail) {
  Response response = problem(401, "unauthorized", detail);
  response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

std::optional<Response> check_upgrade(const Head& head) {
  constexpr std::size_t kKeyBytes = 24;  // 16 bytes in base64
  if (head.wants_websocket && !head.is_head_method && head.websocket_version == "13") {
    if (head.websocket_key.size() == kKeyBytes) return std::nullopt;
    return problem(400, "invalid-request", "the header Sec-WebSocket-Key wants 16 bytes in base64");
  }
  Response response = problem(426, "upgrade-required", "this path is a WebSocket, version 13");
  response.headers.emplace_back("Upgrade", "websocket");
  response.headers.emplace_back("Sec-WebSocket-Version", "13");
  return response;
}

/// Of a POST to "runs/7:fly" or "runs/7/fly", where 7 is something: there is no such action. None: it asks for none.
std::optional<Response> unknown_action(const Router& router, std::vector<std::string> segments) {
  if (segments.empty()) return std::nullopt;
  const std::size_t colon = segments.back().find(':');
  const std::string action = colon == std::string::npos ? ":" + segments.back() : segments.back().substr(colon);
  if (colon == std::string::npos) {
    segments.pop_back();
  } else {
    segments.back().resize(colon);
  }
  const std::vector<std::string> actions = router.actions_of(segments);
  const bool is_known = std::find(actions.begin(), actions.end(), action) != actions.end();
  if (colon == std::string::npos ? actions.empty() : is_known || router.find("GET", segments).allowed.empty()) {
    return std::nullopt;
  }
  std::string path;
  for (const std::string& segment : segments) path += "/" + segment;
  std::string detail = "there is no action '" + action.substr(1) + "' here; ";
  detail += actions.empty() ? path + " has none" : "there is ";
  for (std::size_t i = 0; i < actions.size(); ++i) detail += (i == 0 ? "" : ", ") + path + actions[i];
  return problem(404, "not-found", detail);
}

/// The answer where the path is known and the method is not, or nobody knows the path.
Response without_route(const Router::Match& match, const std::string& method) {
  if (match.allowed.empty()) return problem(404, "not-found", "there is nothing at this path");
  Response response = method == "OPTIONS"
                          ? no_content()
                          : problem(405, "method-not-allowed", "this path does not know the method " + method);
  response.headers.emplace_back("Allow", joined(match.allowed));
  return response;
}

}  // namespace

Gate::Gate(const ServerOptions& options, const Router& router)
    : options_(options), router_(router), failed_logins_(options.limits) {}

Gate::Verdict Gate::admit(Head& head, const Remote& remote, FailedLogins::Clock::time_point now) {
  Request& request = head.request;
  request.peer = remote.peer;
  if (auto refusal = check_host(head, remote)) return {nullptr, std::move(refusal)};
  Router::Match match = router_.find(request.method, head.segments);
  if (match.route == nullptr) {
    auto refusal = request.method == "POST" ? unknown_action(router_, head.segments) : std::nullopt;
    return {nullptr, refusal ? std::move(refusal) : without_route(match, request.method)};
  }
  const Route& route = *match.route;
  if (head.is_head_method) request.method = "GET";
  request.pattern = route.pattern;
  request.path_parameters = std::move(match.parameters);
  if (auto refusal = check_origin(head, route)) return {&route, std::move(refusal)};
  if (auto refusal = authorize(request, route, remote, now)) return {&route, std::move(refusal)};
  if (route.kind == RouteKind::kWebSocket) return {&route, check_upgrade(head)};
  return {&route, std::nullopt};
}

// A page of another site can have its own name resolve to 127.0.0.1 (DNS rebinding). Its requests then come to us as if
// from that site, and its browser lets it read our answers; but they still say the other name.
std::optional<Response> Gate::check_host(const Head& head, const Remote& remote) const {
  if (remote.peer.kind == PeerKind::kUnix) return std::nullopt;
  if (!remote.is_loopback && options_.host_names.empty()) return std::nullopt;
  const std::string_view host = host_without_port(head.host);
  const auto is_it = [&](std::string_view name) { return equal_ignoring_case(name, host); };
  const bool known = std::any_of(options_.host_names.begin(), options_.host_names.end(), is_it) ||
                     (remote.is_loopback && (is_it("localhost") || is_it("127.0.0.1") || is_it("[::1]")));
  if (known) return std::nullopt;
  return problem(421, "unknown-host",
                 "the header Host says '" + head.host +
                     "', which is no name of this server; configured names are "
                     "answered, and on loopback localhost, 127.0.0.1 and [::1]");
}

// A browser sends Origin with every request that another site's page makes and that could change something (CSRF), and
// with every WebSocket. Programs send none.
std::optional<Response> Gate::check_origin(const Head& head, const Route& route) const {
  if (head.origin.empty()) return std::nullopt;
  if (head.request.method == "GET" && route.kind != RouteKind::kWebSocket) return std::nullopt;
  const std::size_t scheme_end = head.origin.find("://");
  if (scheme_end != std::string::npos &&
      equal_ignoring_case(std::string_view(head.origin).substr(scheme_end + 3), head.host)) {
    return std::nullopt;
  }
  return problem(403, "foreign-origin", "a page of '" + head.origin + "' may not do this; only one of this server");
}

std::optional<Response> Gate::authorize(Request& request, const Route& route, const Remote& remote,
                                        FailedLogins::Clock::time_point now) {
  if (route.scope == Scope::kNone) return std::nullopt;
  const bool has_token = !request.authorization.empty();
  if (const auto wait = failed_logins_.wait_of(remote.key, now); wait && has_token) {
    Response response = problem(429, "too-many-failed-logins", "too many wrong tokens came from this address; wait");
    response.headers.emplace_back("Retry-After", std::to_string(wait->count()));
    return response;
  }
  const auto& authenticate = options_.authentication.authenticate;
  if (authenticate) request.principal = authenticate(request.authorization, remote.peer);
  if (!request.principal) {
    if (has_token) failed_logins_.add(remote.key, now);
    return unauthorized(has_token ? "this token is not valid" : "a token is needed: 'Authorization: Bearer <token>'");
  }
  if (request.principal->scope >= route.scope) return std::nullopt;
  return problem(403, "scope-too-small",
                 std::string("this needs the scope '") + scope_text(route.scope) + "'; '" + request.principal->name +
                     "' has '" + scope_text(request.principal->scope) + "'");
}

}  // namespace skink::coordinator::http
