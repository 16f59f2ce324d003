/// @file
/// The table of routes, without a server.

#include "skink/coordinator/http/router.hpp"

#include <catch2/catch.hpp>
#include <stdexcept>

using namespace skink::coordinator::http;

namespace {

const Handler kNothing = [](const Request&, Responder) {};

Router routes(const std::vector<std::string>& gets) {
  Router router;
  for (const std::string& pattern : gets) router.add("GET", pattern, Scope::kNone, pattern, kNothing);
  return router;
}

std::string found(const Router& router, const std::vector<std::string>& segments, const char* method = "GET") {
  const Router::Match match = router.find(method, segments);
  return match.route == nullptr ? "" : match.route->pattern;
}

}  // namespace

TEST_CASE("router: the more specific pattern wins, in any order of the table", "[coordinator][http]") {
  std::vector<std::string> patterns = {"/", "/runs", "/runs/{id}", "/runs/{id}:pause", "/runs/newest", "/{any}/newest"};
  const auto check = [](const Router& router) {
    CHECK(found(router, {}) == "/");
    CHECK(found(router, {"runs"}) == "/runs");
    CHECK(found(router, {"runs", "7"}) == "/runs/{id}");
    CHECK(found(router, {"runs", "7:pause"}) == "/runs/{id}:pause");
    CHECK(found(router, {"runs", ":pause"}) == "/runs/{id}");
    CHECK(found(router, {"runs", "newest"}) == "/runs/newest");
    CHECK(found(router, {"models", "newest"}) == "/{any}/newest");
    CHECK(found(router, {"models", "7"}).empty());
    CHECK(found(router, {"runs", "7", "rounds"}).empty());
  };
  check(routes(patterns));
  std::reverse(patterns.begin(), patterns.end());
  check(routes(patterns));
}

TEST_CASE("router: parameters are what stands in their place", "[coordinator][http]") {
  const Router router = routes({"/runs/{id}/rounds/{n}", "/runs/{id}:stop"});
  const auto match = router.find("GET", {"runs", "a/b", "rounds", "12"});
  CHECK(match.parameters == Parameters{{"id", "a/b"}, {"n", "12"}});
  CHECK(router.find("GET", {"runs", "x:y:stop"}).parameters == Parameters{{"id", "x:y"}});
}

TEST_CASE("router: says which methods a path has; HEAD is answered by GET", "[coordinator][http]") {
  Router router = routes({"/runs/{id}"});
  router.add("DELETE", "/runs/{id}", Scope::kAdmin, "removes", kNothing);
  router.add("POST", "/runs/{id}:stop", Scope::kOperate, "stops", kNothing);
  CHECK(router.find("PUT", {"runs", "7"}).allowed == std::vector<std::string>{"DELETE", "GET", "HEAD", "OPTIONS"});
  CHECK(found(router, {"runs", "7"}, "HEAD") == "/runs/{id}");
  CHECK(found(router, {"runs", "7:stop"}, "POST") == "/runs/{id}:stop");
  CHECK(router.find("GET", {"nothing"}).allowed.empty());
  CHECK(router.routes().size() == 3);
}

TEST_CASE("router: says which actions something has", "[coordinator][http]") {
  const Router router = routes({"/runs/{id}", "/runs/{id}:stop", "/runs/{id}:pause", "/runs/{id}/rounds", "/"});
  CHECK(router.actions_of({"runs", "7"}) == std::vector<std::string>{":stop", ":pause"});
  CHECK(router.actions_of({"models", "7"}).empty());
  CHECK(router.actions_of({"runs", "7", "rounds"}).empty());
  CHECK(router.actions_of({"runs", ""}).empty());
  CHECK(router.actions_of({}).empty());
}

TEST_CASE("router: a wrong table is refused when it is made", "[coordinator][http]") {
  Router router = routes({"/runs/{id}"});
  const auto add = [&](const char* method, const char* pattern) {
    router.add(method, pattern, Scope::kNone, "", kNothing);
  };
  CHECK_THROWS_AS(add("GET", "/runs/{name}"), std::invalid_argument);  // the same, by another name
  CHECK_THROWS_AS(add("HEAD", "/x"), std::invalid_argument);
  CHECK_THROWS_AS(add("get", "/x"), std::invalid_argument);
  for (const char* pattern : {"", "x", "/x/", "//", "/{", "/{}", "/{id", "/a{id}", "/{id}x", "/{id}:", "/{a}/{a}"}) {
    CAPTURE(pattern);
    CHECK_THROWS_AS(add("GET", pattern), std::invalid_argument);
  }
  CHECK_THROWS_AS(router.add("GET", "/y", Scope::kNone, "", nullptr), std::invalid_argument);
  CHECK_THROWS_AS(router.add_websocket("/y", Scope::kNone, "", nullptr), std::invalid_argument);
  CHECK_THROWS_AS(router.add_server_sent_events("/y", Scope::kNone, "", nullptr), std::invalid_argument);
}
