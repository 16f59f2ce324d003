/// @file
/// JSON bodies of requests: any bytes give an object whose fields are in their ranges, or a problem that is itself
/// JSON.

#include <cmath>
#include <string>

#include "harness.hpp"
#include "skink/coordinator/http/json_fields.hpp"
#include "skink/coordinator/http/problem.hpp"

namespace skink::test {

using namespace coordinator::http;

void fuzz_json(Bytes input) {
  Request request;
  request.content_type = "application/json";
  request.body.assign(reinterpret_cast<const char*>(input.data()), input.size());
  const auto body = json_body(request);
  if (!body) {
    const Response response = problem_of(body.error());
    promise(response.status == 400, "what is no object is a 400");
    promise(parse_json(response.body.bytes()).has_value(), "problems are JSON");
    return;
  }
  JsonFields fields(*body);
  const std::string name = fields.text("name", 1, 8, "none");
  promise(!name.empty() && name.size() <= 8 && is_utf8(name), "text is in its range");
  const std::int64_t count = fields.integer("count", -5, 5, 0);
  promise(count >= -5 && count <= 5, "whole numbers are in their range");
  const double rate = fields.number("rate", 0, 1, 0.5);
  promise(rate >= 0 && rate <= 1, "numbers are in their range");
  fields.boolean("on", false);
  fields.value("list");
  const auto finished = fields.finish();
  if (!finished) promise(parse_json(problem_of(finished.error()).body.bytes()).has_value(), "problems are JSON");
}

}  // namespace skink::test
