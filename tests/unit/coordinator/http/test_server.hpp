#pragma once
/// @file
/// A server of coordinator/http on a free port of loopback, with routes that the tests need.

#include <catch2/catch.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "skink/coordinator/http/http_server.hpp"
#include "skink/coordinator/http/problem.hpp"
#include "socket_client.hpp"

namespace skink::test {

namespace http = skink::coordinator::http;
using namespace std::chrono_literals;

/// Tokens "read", "operate" and "admin", of principals with that scope.
inline http::Authentication test_tokens() {
  http::Authentication authentication;
  authentication.tokens = http::Tokens::kRequired;
  authentication.authenticate = [](std::string_view header, const http::Peer&) -> std::optional<http::Principal> {
    for (const auto scope : {http::Scope::kRead, http::Scope::kOperate, http::Scope::kAdmin}) {
      if (header == std::string("Bearer ") + http::scope_text(scope)) {
        return http::Principal{std::string("a ") + http::scope_text(scope), scope};
      }
    }
    return std::nullopt;
  };
  return authentication;
}

/// GET /plain, /echo/{word}, /large, /slow; POST /echo; DELETE /runs/{id} (admin); GET /runs (read).
inline http::Router test_routes() {
  http::Router router;
  const auto text = [](std::string body) {
    http::Response response = http::json_response(std::move(body));
    response.content_type = "text/plain";
    return response;
  };
  router.add("GET", "/plain", http::Scope::kNone, "a text",
             [=](const http::Request&, http::Responder respond) { respond(text("plain")); });
  router.add("GET", "/echo/{word}", http::Scope::kNone, "a parameter",
             [=](const http::Request& request, http::Responder respond) { respond(text(request.parameter("word"))); });
  router.add("POST", "/echo", http::Scope::kNone, "the body",
             [=](const http::Request& request, http::Responder respond) { respond(text(request.body)); });
  router.add("GET", "/large", http::Scope::kNone, "16 MiB",
             [=](const http::Request&, http::Responder respond) { respond(text(std::string(16 << 20, 'x'))); });
  router.add("GET", "/runs", http::Scope::kRead, "runs",
             [=](const http::Request& request, http::Responder respond) { respond(text(request.principal->name)); });
  router.add("DELETE", "/runs/{id}", http::Scope::kAdmin, "removes a run",
             [](const http::Request&, http::Responder respond) { respond(http::no_content()); });
  return router;
}

inline http::ServerOptions test_options() {
  http::ServerOptions options;
  options.tcp = {{}};
  options.authentication = test_tokens();
  return options;
}

/// A running server.
class TestServer {
 public:
  explicit TestServer(http::ServerOptions options = test_options(), http::Router router = test_routes()) {
    auto server = http::Server::create(std::move(options), std::move(router));
    if (!server) FAIL(server.error().message);
    server_ = std::move(*server);
  }
  explicit TestServer(const std::function<void(http::Limits&)>& change)
      : TestServer([&] {
          http::ServerOptions options = test_options();
          change(options.limits);
          return options;
        }()) {}

  std::uint16_t port() const { return server_->tcp_addresses().at(0).port; }
  SocketClient client(const std::string& from = "127.0.0.1") const { return SocketClient(port(), from); }
  http::Server& server() { return *server_; }

  /// Waits until `is_so`, for ten seconds at most.
  template <class Condition>
  bool wait_until(Condition is_so) const {
    for (int i = 0; i < 1000 && !is_so(server_->statistics()); ++i) std::this_thread::sleep_for(10ms);
    return is_so(server_->statistics());
  }

 private:
  std::unique_ptr<http::Server> server_;
};

/// A problem document with this status and code.
inline bool is_problem(const Answer& answer, int status, const std::string& code) {
  CAPTURE(answer.status, answer.body, code);
  CHECK(answer.status == status);
  CHECK(answer.header("content-type") == "application/problem+json");
  CHECK(answer.has("\"code\":\"" + code + "\""));
  CHECK(answer.has("\"type\":\"docs/api.md#" + code + "\""));
  return answer.status == status && answer.has("\"code\":\"" + code + "\"");
}

}  // namespace skink::test
