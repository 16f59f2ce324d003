/// @file
/// JSON bodies, without a server.

#include "skink/coordinator/http/json_fields.hpp"

#include <catch2/catch.hpp>

#include "skink/coordinator/http/problem.hpp"

using namespace skink;
using namespace skink::coordinator::http;

namespace {

boost::json::object object(const std::string& text) {
  Request request;
  request.content_type = "application/json; charset=utf-8";
  request.body = text;
  auto body = json_body(request);
  if (!body) FAIL(body.error().message);
  return *body;
}

std::string fault_of(const Result<void>& result) { return result ? "" : result.error().message; }

}  // namespace

TEST_CASE("json fields: values, fallbacks and what was expected", "[coordinator][http]") {
  const auto body = object(R"({"name": "hall", "count": 7, "rate": 0.5, "on": true, "list": [1], "large": 1e3})");
  JsonFields fields(body);
  CHECK(fields.text("name", 1, 64) == "hall");
  CHECK(fields.integer("count", 1, 10) == 7);
  CHECK(fields.number("rate", 0, 1) == 0.5);
  CHECK(fields.number("large", 0, 2000) == 1000);
  CHECK(fields.boolean("on"));
  CHECK(fields.value("list")->is_array());
  CHECK(fields.text("absent", 0, 9, "other") == "other");
  CHECK(fields.integer("none", 0, 9, 5) == 5);
  CHECK(fields.boolean("no", true));
  CHECK(fields.finish().has_value());
}

TEST_CASE("json fields: the first fault is said, in words for the one who wrote it", "[coordinator][http]") {
  const auto fault = [](const std::string& text, auto read) {
    const auto body = object(text);
    JsonFields fields(body);
    read(fields);
    return fault_of(fields.finish());
  };
  const auto name = [](JsonFields& fields) { fields.text("name", 1, 4); };
  const auto count = [](JsonFields& fields) { fields.integer("count", -1, 9); };
  const auto rate = [](JsonFields& fields) { fields.number("rate", 0, 0.25); };
  const std::string expected_name = "'name': text of 1..4 bytes expected";
  for (const char* text : {"{}", R"({"name": ""})", R"({"name": "abcde"})", R"({"name": 1})"}) {
    CAPTURE(text);
    CHECK(fault(text, name) == expected_name);
  }
  CHECK(fault(R"({"name": "a\u0000"})", name) == "'name': it has the control character 0x00 at byte 1; leave it out");
  CHECK(fault(R"({"name": "\u007f"})", name) == "'name': it has the control character 0x7f at byte 0; leave it out");
  for (const char* text :
       {R"({"count": 10})", R"({"count": 1.5})", R"({"count": 99999999999999999999})", R"({"count": "1"})"}) {
    CAPTURE(text);
    CHECK(fault(text, count) == "'count': whole number of -1..9 expected");
  }
  CHECK(fault(R"({"rate": 0.3})", rate) == "'rate': number of 0..0.25 expected");
  CHECK(fault(R"({"on": 1})", [](JsonFields& fields) { fields.boolean("on"); }) == "'on': true or false expected");
  CHECK(fault(R"({"name": "a", "nmae": "b"})", name) == "'nmae': there is no such field");
  CHECK(fault(R"({"a": 1})", [](JsonFields& fields) {
          fields.refuse("a", "a word");
          fields.text("b", 1, 2);
        }) == "'a': a word expected");
}

TEST_CASE("json fields: a name has no blank at its ends, which nobody would see", "[coordinator][http]") {
  const auto fault = [](const std::string& text) {
    const auto body = object(text);
    JsonFields fields(body);
    (void)fields.name("group", 0, 64, " as before ");
    return fault_of(fields.finish());
  };
  for (const char* text : {R"({"group": " "})", R"({"group": " hall"})", R"({"group": "hall "})",
                           R"({"group": "hall\u00a0"})", R"({"group": "\u3000hall"})"}) {
    CAPTURE(text);
    CHECK(fault(text) == "'group': it begins or ends with a blank, which nobody sees; leave the blank out");
  }
  CHECK(fault(R"({"group": "hall\t"})") == "'group': it has the control character 0x09 at byte 4; leave it out");
  for (const char* text : {"{}", R"({"group": ""})", R"({"group": "the hall"})", R"({"group": "h\u00e4"})"}) {
    CAPTURE(text);
    CHECK(fault(text).empty());
  }
}

TEST_CASE("json fields: what is no JSON object is refused with where", "[coordinator][http]") {
  Request request;
  request.content_type = "application/json";
  const auto status = [&](const std::string& text) {
    request.body = text;
    const auto body = json_body(request);
    return body ? 200 : problem_of(body.error()).status;
  };
  for (const char* text :
       {"", "{", "{]", "[1]", "1", "{} {}", "{\"a\":1,}", "{'a':1}", "{\"a\":NaN}", "\xff", "{\"\xff\":1}"}) {
    CAPTURE(text);
    CHECK(status(text) == 400);
  }
  CHECK(status("{\"a\":" + std::string(31, '[') + std::string(31, ']') + "}") == 200);
  CHECK(status("{\"a\":" + std::string(32, '[') + std::string(32, ']') + "}") == 400);
  CHECK(status("{\"a\":" + std::string(500'000, '[')) == 400);
  request.content_type = "text/plain";
  CHECK(status("{}") == 415);
  request.content_type = "";
  CHECK(status("{}") == 415);
}

TEST_CASE("problem: a document of RFC 9457, whatever the bytes", "[coordinator][http]") {
  const Response response = problem(404, "not-found", "no run 'a\"\xff\x1b\n\xc3\xa9'", "/runs/\xfe\n");
  CHECK(response.content_type == "application/problem+json");
  const auto document = parse_json(response.body.bytes());
  REQUIRE(document.has_value());
  const auto& object = document->as_object();
  CHECK(object.at("type") == "docs/api.md#not-found");
  CHECK(object.at("title") == "Not Found");
  CHECK(object.at("status") == 404);
  CHECK(object.at("detail") == "no run 'a\"??\n\xc3\xa9'");
  CHECK(object.at("instance") == "/runs/??");
  CHECK(object.at("code") == "not-found");
}
