/// @file
/// Events over real sockets: Server-sent events and WebSockets, their resumption, and clients that do not keep up.

#include <atomic>

#include "test_server.hpp"
#include "websocket_client.hpp"

using namespace skink;
using namespace skink::test;

namespace {

using Hub = std::shared_ptr<http::EventHub>;

http::Router event_routes(const Hub& hub) {
  http::Router router = test_routes();
  router.add_server_sent_events("/events", http::Scope::kNone, "events", hub);
  router.add_websocket("/ws", http::Scope::kNone, "events", hub);
  router.add_server_sent_events("/guarded", http::Scope::kRead, "events", hub);
  return router;
}

Hub hub_of(std::size_t events, const http::EventHub::Options& options = {}) {
  auto hub = std::make_shared<http::EventHub>(options);
  for (std::size_t i = 1; i <= events; ++i) {
    REQUIRE(hub->publish(i % 2 == 0 ? "even" : "odd", "{\"n\":" + std::to_string(i) + "}").has_value());
  }
  return hub;
}

/// Asks for a stream and reads its header.
SocketClient stream(const TestServer& server, const std::string& target, const std::string& headers = "") {
  SocketClient client = server.client();
  const Answer answer = client.get(target, headers);
  CHECK(answer.status == 200);
  CHECK(answer.header("content-type") == "text/event-stream");
  CHECK(answer.header("cache-control") == "no-store");
  return client;
}

std::string next_event(SocketClient& client) { return client.read_until("\n\n"); }

}  // namespace

TEST_CASE("sse: new events arrive, with id, type and data", "[coordinator][http][events]") {
  const Hub hub = hub_of(3);
  TestServer server(test_options(), event_routes(hub));
  SocketClient client = stream(server, "/events");
  REQUIRE(server.wait_until([](const auto& now) { return now.streams == 1; }));
  REQUIRE(*hub->publish("round", "{\"round\":7}") == 4);
  CHECK(next_event(client) == "id: 4\nevent: round\ndata: {\"round\":7}\n\n");
  REQUIRE(hub->publish("odd.thing", "{\n\"two\":\r\"lines\"}").has_value());
  CHECK(next_event(client) == "id: 5\nevent: odd.thing\ndata: {\ndata: \"two\":\ndata: \"lines\"}\n\n");
}

TEST_CASE("sse: resumes by Last-Event-ID or ?after=, and leaves types out", "[coordinator][http][events]") {
  const Hub hub = hub_of(5);
  TestServer server(test_options(), event_routes(hub));
  SocketClient by_query = stream(server, "/events?after=3");
  CHECK(next_event(by_query).find("id: 4\n") == 0);
  CHECK(next_event(by_query).find("id: 5\n") == 0);
  SocketClient by_header = stream(server, "/events?after=1", "Last-Event-ID: 4\r\n");  // as a browser reconnects
  CHECK(next_event(by_header).find("id: 5\n") == 0);
  SocketClient filtered = stream(server, "/events?after=0&type=even,other");
  CHECK(next_event(filtered).find("id: 2\nevent: even\n") == 0);
  CHECK(next_event(filtered).find("id: 4\n") == 0);
  CHECK(server.client().get("/events?after=x").status == 400);
  CHECK(server.client().get("/events", "Last-Event-ID: -1\r\n").status == 400);
  CHECK(server.client().get("/events?type=").status == 400);
}

TEST_CASE("sse: who missed too much is told of the gap", "[coordinator][http][events]") {
  const Hub hub = hub_of(20, {.ring_events = 10});
  TestServer server(test_options(), event_routes(hub));
  SocketClient client = stream(server, "/events?after=3");
  CHECK(next_event(client) == "event: gap\ndata: {\"oldest\":11,\"newest\":20}\n\n");
  CHECK(next_event(client).find("id: 11\n") == 0);
  SocketClient from_the_future = stream(server, "/events?after=1000");  // ids of another life of the server
  CHECK(next_event(from_the_future).find("event: gap\n") == 0);
  SocketClient in_time = stream(server, "/events?after=10");
  CHECK(next_event(in_time).find("id: 11\n") == 0);
}

TEST_CASE("sse: a heartbeat keeps the stream open", "[coordinator][http][events]") {
  http::ServerOptions options = test_options();
  options.limits.heartbeat_time = 50ms;
  TestServer server(std::move(options), event_routes(hub_of(0)));
  SocketClient client = stream(server, "/events");
  for (int i = 0; i < 3; ++i) CHECK(next_event(client) == ": still here\n\n");
}

TEST_CASE("sse: a client that cannot keep up is told so and closed, others go on", "[coordinator][http][events]") {
  http::ServerOptions options = test_options();
  options.limits.send_buffer_bytes = 8192;
  const Hub hub = hub_of(0, {.ring_events = 100});
  TestServer server(std::move(options), event_routes(hub));
  SocketClient slow(server.port(), "127.0.0.1", 4096);
  slow.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  REQUIRE(server.wait_until([](const auto& now) { return now.streams == 1; }));
  const std::string json = "{\"x\":\"" + std::string(1000, 'x') + "\"}";
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 20'000; ++i) REQUIRE(hub->publish("big", json).has_value());
  CHECK(std::chrono::steady_clock::now() - start < 5s);  // the publisher waits for nobody
  CHECK(server.client("127.0.0.2").get("/plain").status == 200);
  const std::string all = slow.read_all();
  const std::size_t last = all.rfind("event: ");
  REQUIRE(last != std::string::npos);
  CHECK(all.substr(last, 14) == "event: lagged\n");
  CHECK(server.wait_until([](const auto& now) { return now.streams == 0 && now.lagged_streams == 1; }));
}

TEST_CASE("sse: a client that reads nothing at all is cut off", "[coordinator][http][events]") {
  http::ServerOptions options = test_options();
  options.limits.send_buffer_bytes = 8192;
  options.limits.write_time = 200ms;
  const Hub hub = hub_of(0);
  TestServer server(std::move(options), event_routes(hub));
  SocketClient deaf(server.port(), "127.0.0.1", 4096);
  deaf.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  REQUIRE(server.wait_until([](const auto& now) { return now.streams == 1; }));
  for (int i = 0; i < 1000; ++i) REQUIRE(hub->publish("big", "{\"x\":\"" + std::string(1000, 'x') + "\"}").has_value());
  CHECK(server.wait_until([](const auto& now) { return now.streams == 0 && now.connections == 0; }));
}

TEST_CASE("streams: their number is limited, scopes hold, and a client that leaves frees its place",
          "[coordinator][http][events]") {
  http::ServerOptions options = test_options();
  options.limits.streams = 2;
  TestServer server(std::move(options), event_routes(hub_of(0)));
  CHECK(is_problem(server.client().get("/guarded"), 401, "unauthorized"));
  auto first = std::make_unique<SocketClient>(stream(server, "/guarded", "Authorization: Bearer read\r\n"));
  WebSocketClient second(server.client());
  CHECK(second.upgrade("/ws").status == 101);
  CHECK(is_problem(server.client().get("/events"), 503, "too-busy"));
  first.reset();
  REQUIRE(server.wait_until([](const auto& now) { return now.streams == 1; }));
  stream(server, "/events");
}

TEST_CASE("websocket: the same events as objects, with resumption and filter", "[coordinator][http][events]") {
  const Hub hub = hub_of(5);
  TestServer server(test_options(), event_routes(hub));
  WebSocketClient client(server.client());
  const Answer answer = client.upgrade("/ws?after=2&type=even", "Origin: http://localhost\r\n");
  REQUIRE(answer.status == 101);
  CHECK(answer.header("sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");  // RFC 6455, section 1.3
  CHECK(answer.header("x-frame-options") == "DENY");
  const Frame first = client.read();
  CHECK(first.opcode == 1);
  CHECK(first.payload == "{\"id\":4,\"type\":\"even\",\"data\":{\"n\":4}}");
  REQUIRE(hub->publish("even", "{\"late\":true}").has_value());
  CHECK(client.read().payload == "{\"id\":6,\"type\":\"even\",\"data\":{\"late\":true}}");
  client.send(9, "still there?");
  const Frame pong = client.read();
  CHECK((pong.opcode == 10 && pong.payload == "still there?"));
  client.send(1, "nobody listens");
  client.send(8, std::string("\x03\xe8", 2));
  CHECK(client.read().close_code() == 1000);
  CHECK(server.wait_until([](const auto& now) { return now.streams == 0; }));
}

TEST_CASE("websocket: gap, and lagged", "[coordinator][http][events]") {
  http::ServerOptions options = test_options();
  options.limits.send_buffer_bytes = 8192;
  const Hub hub = hub_of(300, {.ring_events = 100});
  TestServer server(std::move(options), event_routes(hub));
  WebSocketClient client(SocketClient(server.port(), "127.0.0.1", 4096));
  REQUIRE(client.upgrade("/ws?after=1").status == 101);
  CHECK(client.read().payload == "{\"type\":\"gap\",\"data\":{\"oldest\":201,\"newest\":300}}");
  const std::string json = "{\"x\":\"" + std::string(1000, 'x') + "\"}";
  for (int i = 0; i < 20'000; ++i) REQUIRE(hub->publish("big", json).has_value());
  Frame frame, before;
  while ((frame = client.read()).opcode == 1) before = frame;
  CHECK(before.payload.find("{\"type\":\"lagged\"") == 0);
  CHECK(frame.close_code() == 1013);
  CHECK(frame.payload.substr(2) == "lagged");
}

TEST_CASE("websocket: what is no upgrade, of another site, or too long", "[coordinator][http][events]") {
  TestServer server(test_options(), event_routes(hub_of(0)));
  const Answer plain = server.client().get("/ws");
  CHECK(is_problem(plain, 426, "upgrade-required"));
  CHECK(plain.header("sec-websocket-version") == "13");
  CHECK(is_problem(WebSocketClient(server.client()).upgrade("/ws", "Origin: http://evil.example\r\n"), 403,
                   "foreign-origin"));
  WebSocketClient bad_key(server.client());
  CHECK(bad_key.socket()
            .get("/ws", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n")
            .status == 400);
  WebSocketClient client(server.client());
  REQUIRE(client.upgrade("/ws").status == 101);
  client.send(1, std::string(5000, 'x'));
  CHECK(client.read().close_code() == 1009);
}

TEST_CASE("websocket: a client that does not answer pings is gone", "[coordinator][http][events]") {
  http::ServerOptions options = test_options();
  options.limits.heartbeat_time = 100ms;
  TestServer server(std::move(options), event_routes(hub_of(0)));
  WebSocketClient client(server.client());
  REQUIRE(client.upgrade("/ws").status == 101);
  CHECK(client.read().opcode == 9);
  CHECK(server.wait_until([](const auto& now) { return now.streams == 0 && now.connections == 0; }));
}

// The thread sanitizer makes everything ten times slower; still shorter than anything that could be waited for.
#ifdef __SANITIZE_THREAD__
constexpr auto kSecond = 2s;
#else
constexpr auto kSecond = 1s;
#endif

TEST_CASE("http: stops within a second, whatever is open", "[coordinator][http][events]") {
  const Hub hub = hub_of(5);
  http::Router router = event_routes(hub);
  std::atomic<bool> is_waiting = false;
  std::unique_ptr<http::Responder> waiting;
  router.add("GET", "/wait", http::Scope::kNone, "waits", [&](const http::Request&, http::Responder respond) {
    waiting = std::make_unique<http::Responder>(std::move(respond));
    is_waiting = true;
  });
  TestServer server(test_options(), std::move(router));
  SocketClient events = stream(server, "/events");
  WebSocketClient websocket(server.client());
  REQUIRE(websocket.upgrade("/ws").status == 101);
  SocketClient asking = server.client();
  asking.send("GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n");
  SocketClient large = server.client();
  large.send("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
  SocketClient silent = server.client();
  REQUIRE(server.wait_until([&](const auto& now) { return now.connections == 5 && now.streams == 2 && is_waiting; }));
  const auto start = std::chrono::steady_clock::now();
  server.server().stop();
  CHECK(std::chrono::steady_clock::now() - start < kSecond);
  CHECK(events.is_closed());
  CHECK(websocket.read().close_code() == 1001);
  CHECK(asking.is_closed());
  CHECK(silent.is_closed());
  REQUIRE(hub->publish("after", "{}").has_value());  // nobody is woken, nothing is touched
  (*waiting)(http::json_response("1"));
  server.server().stop();
}
