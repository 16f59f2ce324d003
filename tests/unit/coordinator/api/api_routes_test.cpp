/// @file
/// The description of the API has the routes of the API, and no others: docs/openapi.json against Api::router().

#include <algorithm>
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <string>

#include "skink/coordinator/api/api.hpp"
#include "skink/host/files/files.hpp"
#include "unit/host/temporary_folder.hpp"

using namespace skink;
using namespace skink::coordinator;

namespace {

/// A service that was never connected, and its API.
struct Bench {
  Bench() {
    folder.write("master.key", std::string(64, 'a').append("\n"));
    settings.state = folder.file("state");
    settings.host = "127.0.0.1";
    settings.port = 1;
    settings.ca = folder.file("ca.pem");
    settings.certificate = folder.file("cert.pem");
    settings.key = folder.file("key.pem");
    settings.fleet = "demo";
    settings.master_key = folder.file("master.key");
    settings.threads = 1;
    auto made = FleetService::create(settings);
    if (!made) FAIL(made.error().message);
    service = std::move(*made);
    auto interface = api::Api::create(*service, settings.state);
    if (!interface) FAIL(interface.error().message);
    api = std::move(*interface);
  }

  test::TemporaryFolder folder;
  Settings settings;
  std::unique_ptr<FleetService> service;
  std::unique_ptr<api::Api> api;
};

struct Line {
  std::string scope, summary;
  bool operator==(const Line& other) const { return scope == other.scope && summary == other.summary; }
};
using Table = std::map<std::string, Line>;  ///< by "GET /path"

boost::json::object description() {
  const auto text = read_file(std::string(SKINK_TEST_SOURCE_DIR) + "/docs/openapi.json");
  REQUIRE(text.has_value());
  return boost::json::parse(*text).as_object();
}

std::string text_of(const boost::json::value& value) { return std::string(value.as_string()); }

Table described() {
  Table table;
  const boost::json::object document = description();
  for (const auto& [path, item] : document.at("paths").as_object()) {
    for (const auto& [method, operation] : item.as_object()) {
      std::string upper(method);
      std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return std::toupper(c); });
      table[upper + " " + std::string(path)] = {text_of(operation.at("x-scope")), text_of(operation.at("summary"))};
    }
  }
  return table;
}

}  // namespace

namespace Catch {
template <>
struct StringMaker<Line> {
  static std::string convert(const Line& line) { return line.scope + ": " + line.summary; }
};
}  // namespace Catch

TEST_CASE("api: the description has every route with its scope and summary", "[coordinator][api]") {
  Bench bench;
  const Table table = described();
  const http::Router router = bench.api->router();
  CHECK(router.routes().size() > 20);
  for (const http::Route& route : router.routes()) {
    if (route.kind == http::RouteKind::kAsset) continue;  // files for browsers
    const std::string name = route.method + " " + route.pattern;
    CAPTURE(name);
    const auto found = table.find(name);
    REQUIRE(found != table.end());
    CHECK(found->second == Line{http::scope_text(route.scope), route.summary});
  }
}

TEST_CASE("api: the description has no route that is not there", "[coordinator][api]") {
  Bench bench;
  std::set<std::string> routes;
  const http::Router router = bench.api->router();
  for (const http::Route& route : router.routes()) routes.insert(route.method + " " + route.pattern);
  for (const auto& [name, line] : described()) {
    CAPTURE(name);
    CHECK(routes.contains(name));
  }
}

TEST_CASE("api: operations without a scope, and no others, want no token", "[coordinator][api]") {
  const boost::json::object document = description();
  for (const auto& [path, item] : document.at("paths").as_object()) {
    for (const auto& [method, operation] : item.as_object()) {
      CAPTURE(std::string(path), std::string(method));
      const bool is_open = operation.as_object().contains("security");
      CHECK(is_open == (text_of(operation.at("x-scope")) == "none"));
      CHECK(operation.at("responses").as_object().contains("401") != is_open);
    }
  }
}

TEST_CASE("api: the program serves the description as the document has it", "[coordinator][api]") {
  Bench bench;
  const http::Router router = bench.api->router();
  const auto match = router.find("GET", {"openapi.json"});
  REQUIRE(match.route != nullptr);
  http::Request request;
  http::Response answer;
  const auto deliver = [&answer](http::Response response) { answer = std::move(response); };
  match.route->handler(request, http::Responder(deliver));
  CHECK(answer.status == 200);
  CHECK(answer.content_type == "application/json");
  CHECK(answer.body.bytes() == *read_file(std::string(SKINK_TEST_SOURCE_DIR) + "/docs/openapi.json"));
  REQUIRE(answer.headers.size() == 1);
  CHECK(answer.headers[0].first == "ETag");
  request.if_none_match = answer.headers[0].second;
  match.route->handler(request, http::Responder(deliver));
  CHECK(answer.status == 304);
}
