/// @file
/// What an HTTP client sends, as the server reads it: Boost.Beast's parser, the decoding of targets, the routes and who
/// may take them. The bytes are fed whole, and in pieces of the length that the first byte says: the outcome is the
/// same.

#include <algorithm>
#include <memory>
#include <string>

#include "harness.hpp"
#include "http/event_feed.hpp"
#include "http/gate.hpp"
#include "http/request_reader.hpp"
#include "http/response_head.hpp"
#include "skink/coordinator/http/problem.hpp"

namespace skink::test {
namespace {

using namespace coordinator::http;
using State = RequestReader::State;

/// A small copy of what the gateway has: literals, parameters, actions, streams, an asset.
Router routes() {
  static const Asset page = {"/", "text/html", "x", Encoding::kGzip, "\"1\"", Caching::kRevalidate};
  const Handler nothing = [](const Request&, Responder) {};
  Router router;
  router.add("GET", "/api/v1/runs/{id}", Scope::kNone, "", nothing);
  router.add("POST", "/api/v1/runs/{id}:pause", Scope::kOperate, "", nothing);
  router.add("PATCH", "/api/v1/devices/{id}", Scope::kNone, "", nothing);
  router.add_server_sent_events("/api/v1/events", Scope::kNone, "", std::make_shared<EventHub>());
  router.add_websocket("/api/v1/ws", Scope::kNone, "", std::make_shared<EventHub>());
  router.add_assets({&page, 1});
  return router;
}

ServerOptions options() {
  ServerOptions made;
  made.authentication.authenticate = [](std::string_view header, const Peer&) -> std::optional<Principal> {
    if (header != "Bearer t") return std::nullopt;
    return Principal{"t", Scope::kOperate};
  };
  return made;
}

void check_answer(const Response& response) {
  promise(response.status >= 200 && response.status < 600, "an answer has a status");
  const std::string head = response_head(response, response.body.bytes().size(), After::kClose);
  promise(head.find("\r\n\r\n") == head.size() - 4, "a header ends once");
}

void check_request(const Request& request, const std::vector<std::string>& segments, const Limits& limits) {
  promise(request.path[0] == '/' && is_utf8(request.path), "paths are UTF-8");
  promise(printable_utf8(request.path) == request.path, "paths have no control characters");
  promise(segments.size() <= limits.path_segments && request.query.size() <= limits.query_parameters, "limits hold");
  for (const std::string& segment : segments) promise(!segment.empty() && segment != "..", "segments go forward");
  for (const auto& [name, value] : request.query) promise(!name.empty() && is_utf8(name + value), "queries are UTF-8");
}

/// Who asks what, in short; "" where nothing is complete.
std::string outcome(const std::string& text, std::size_t step) {
  static const ServerOptions all_options = options();
  static const Router router = routes();
  const Limits& limits = all_options.limits;
  Gate gate(all_options, router);
  RequestReader reader(limits);
  std::string waiting;
  for (std::size_t at = 0; at < text.size() && reader.state() < State::kComplete; at += step) {
    waiting += text.substr(at, step);
    for (std::size_t used = 1; used > 0 && !waiting.empty() && reader.state() < State::kComplete;) {
      used = reader.feed(waiting);
      promise(used <= waiting.size(), "no more is consumed than there is");
      waiting.erase(0, used);
    }
    promise(reader.state() >= State::kComplete || waiting.size() < RequestReader::buffer_bytes(limits),
            "what waits fits the buffer");
  }
  if (reader.state() == State::kRefused) check_answer(reader.refusal());
  if (reader.state() != State::kBody && reader.state() != State::kComplete) return "";
  Head& head = reader.head();
  check_request(head.request, head.segments, limits);
  const auto verdict = gate.admit(head, {{PeerKind::kTcp, "127.0.0.1"}, "127.0.0.1", true}, {});
  promise(verdict.route != nullptr || verdict.answer, "every request has a route or an answer");
  if (verdict.answer) check_answer(*verdict.answer);
  FeedRequest feed;
  if (const auto refusal = read_feed_request(head.request, feed)) check_answer(*refusal);
  if (reader.state() != State::kComplete) return "";
  const std::string body = reader.take_body();
  promise(body.size() <= limits.body_bytes, "bodies are bounded");
  return head.request.method + " " + head.request.path + " " + head.host + " " + body;
}

}  // namespace

void fuzz_http(Bytes input) {
  if (input.size() == 0) return;
  const std::string text(reinterpret_cast<const char*>(input.data()) + 1, input.size() - 1);
  const std::string whole = outcome(text, std::max<std::size_t>(text.size(), 1));
  const std::string pieces = outcome(text, std::size_t{1} + input[0]);
  promise(whole.empty() || pieces.empty() || whole == pieces, "pieces make the same request");
}

}  // namespace skink::test
