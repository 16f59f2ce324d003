/// @file
/// Requests and answers over a real socket: routing, scopes, where a request may come from, answers from other threads.

#include <mutex>
#include <thread>
#include <vector>

#include "test_server.hpp"

using namespace skink;
using namespace skink::test;

TEST_CASE("http: a request is answered, and the connection used again", "[coordinator][http]") {
  TestServer server;
  SocketClient client = server.client();
  for (int i = 0; i < 3; ++i) {
    const Answer answer = client.get("/plain");
    CHECK(answer.status == 200);
    CHECK(answer.body == "plain");
    CHECK(answer.header("connection") == "keep-alive");
  }
  CHECK(client.get("/echo/h%C3%A9%2F").body == "h\xc3\xa9/");
  CHECK(client.request("POST", "/echo", "", "some body").body == "some body");
  CHECK(server.server().statistics().connections == 1);
  CHECK(server.server().statistics().requests == 5);
}

TEST_CASE("http: every answer has the headers that protect a browser", "[coordinator][http]") {
  TestServer server;
  for (const char* target : {"/plain", "/nothing", "/runs"}) {
    const Answer answer = server.client().get(target);
    CAPTURE(target);
    CHECK(answer.header("x-content-type-options") == "nosniff");
    CHECK(answer.header("content-security-policy").find("default-src 'self'") == 0);
    CHECK(answer.header("referrer-policy") == "no-referrer");
    CHECK(answer.header("x-frame-options") == "DENY");
    CHECK(answer.header("cache-control") == "no-store");
    CHECK_FALSE(answer.header("date").empty());
  }
}

TEST_CASE("http: what is not there, or not with this method", "[coordinator][http]") {
  TestServer server;
  SocketClient client = server.client();
  CHECK(is_problem(client.get("/nothing"), 404, "not-found"));
  const Answer wrong = client.request("PUT", "/plain");
  CHECK(is_problem(wrong, 405, "method-not-allowed"));
  CHECK(wrong.header("allow") == "GET, HEAD, OPTIONS");
  CHECK(is_problem(client.request("BREW", "/plain"), 405, "method-not-allowed"));
  const Answer options = client.request("OPTIONS", "/runs/7");
  CHECK(options.status == 204);
  CHECK(options.header("allow") == "DELETE, OPTIONS");
  const Answer head = client.request("HEAD", "/plain");
  CHECK(head.status == 200);
  CHECK(head.header("content-length") == "5");
  CHECK(client.get("/plain").body == "plain");  // and HEAD sent no body
}

TEST_CASE("http: an action that is not there is 404 and says which there are", "[coordinator][http]") {
  http::Router router = test_routes();
  const auto nothing = [](const http::Request&, http::Responder respond) { respond(http::no_content()); };
  router.add("GET", "/runs/{id}", http::Scope::kNone, "a run", nothing);
  router.add("POST", "/runs/{id}:pause", http::Scope::kNone, "pauses", nothing);
  router.add("POST", "/runs/{id}:stop", http::Scope::kNone, "stops", nothing);
  TestServer server(test_options(), std::move(router));
  SocketClient client = server.client();
  CHECK(client.request("POST", "/runs/3:stop").status == 204);
  for (const char* target : {"/runs/3:fly", "/runs/3/fly"}) {
    const Answer answer = client.request("POST", target);
    CHECK(is_problem(answer, 404, "not-found"));
    CHECK(answer.has("there is no action 'fly' here; there is /runs/3:pause, /runs/3:stop"));
  }
  const Answer none = client.request("POST", "/echo/a:fly");
  CHECK(is_problem(none, 404, "not-found"));
  CHECK(none.has("there is no action 'fly' here; /echo/a has none"));
  CHECK(is_problem(client.request("POST", "/nothing/3:fly"), 404, "not-found"));
  CHECK(is_problem(client.request("PUT", "/runs/3:stop"), 405, "method-not-allowed"));
  CHECK(is_problem(client.request("POST", "/runs/3"), 405, "method-not-allowed"));
}

TEST_CASE("http: a problem says of which path it is, where one could be read", "[coordinator][http]") {
  http::Router router = test_routes();
  router.add("GET", "/told", http::Scope::kNone, "a problem with an instance",
             [](const http::Request&, http::Responder respond) {
               respond(http::problem(409, "not-now", "later", "/another"));
             });
  TestServer server(test_options(), std::move(router));
  SocketClient client = server.client();
  const Answer nothing = client.get("/not%20hing?a=b");
  CHECK(is_problem(nothing, 404, "not-found"));
  CHECK(nothing.has(R"("instance":"/not hing")"));
  CHECK(client.get("/runs").has(R"("instance":"/runs")"));
  CHECK(client.get("/told").has(R"("instance":"/another")"));
  CHECK_FALSE(client.get("/plain").has("instance"));
  const Answer twice = server.client().get("/plain?a=1&a=2");
  CHECK(is_problem(twice, 400, "invalid-parameter"));
  CHECK(twice.has(R"("instance":"/plain")"));
  const Answer unread = server.client().get("//");
  CHECK(is_problem(unread, 400, "invalid-target"));
  CHECK_FALSE(unread.has("instance"));
}

TEST_CASE("http: scopes", "[coordinator][http]") {
  TestServer server;
  SocketClient client = server.client();
  const Answer none = client.get("/runs");
  CHECK(is_problem(none, 401, "unauthorized"));
  CHECK(none.header("www-authenticate") == "Bearer");
  CHECK(is_problem(client.get("/runs", "Authorization: Bearer wrong\r\n"), 401, "unauthorized"));
  CHECK(client.get("/runs", "Authorization: Bearer read\r\n").body == "a read");
  CHECK(client.get("/runs", "Authorization: Bearer admin\r\n").body == "a admin");
  const Answer small = client.request("DELETE", "/runs/7", "Authorization: Bearer operate\r\n");
  CHECK(is_problem(small, 403, "scope-too-small"));
  CHECK(small.has("'a operate' has 'operate'"));
  CHECK(client.request("DELETE", "/runs/7", "Authorization: Bearer admin\r\n").status == 204);
}

TEST_CASE("http: without an authenticator only open routes answer", "[coordinator][http]") {
  http::ServerOptions options = test_options();
  options.authentication = {};
  TestServer server(std::move(options));
  CHECK(server.client().get("/plain").status == 200);
  CHECK(server.client().get("/runs", "Authorization: Bearer admin\r\n").status == 401);
}

TEST_CASE("http: wrong tokens are limited per address, and time heals", "[coordinator][http]") {
  TestServer server([](http::Limits& limits) {
    limits.failed_logins = 3;
    limits.failed_login_time = 1s;
  });
  SocketClient client = server.client();
  for (int i = 0; i < 3; ++i) CHECK(client.get("/runs", "Authorization: Bearer guess\r\n").status == 401);
  const Answer refused =
      client.get("/runs", "Authorization: Bearer read\r\n");  // the right one, too: it may be a guess
  CHECK(is_problem(refused, 429, "too-many-failed-logins"));
  CHECK(refused.header("retry-after") == "1");
  CHECK(client.get("/runs").status == 401);
  CHECK(client.get("/plain").status == 200);
  CHECK(server.client("127.0.0.2").get("/runs", "Authorization: Bearer read\r\n").status == 200);
  std::this_thread::sleep_for(1100ms);
  CHECK(client.get("/runs", "Authorization: Bearer read\r\n").status == 200);
}

TEST_CASE("http: names that are not this server's are refused on loopback (DNS rebinding)", "[coordinator][http]") {
  http::ServerOptions options = test_options();
  options.host_names = {"gateway.local"};
  TestServer server(std::move(options));
  SocketClient client = server.client();
  const auto with_host = [&](const std::string& host) {
    client.send("GET /plain HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    return client.read_answer();
  };
  for (const char* host :
       {"localhost", "LocalHost:8080", "127.0.0.1", "127.0.0.1:80", "[::1]", "[::1]:1", "Gateway.Local:9"}) {
    CAPTURE(host);
    CHECK(with_host(host).status == 200);
  }
  for (const char* host : {"evil.example", "localhost.evil.example", "evil.example:80", "127.0.0.1.evil.example", "",
                           "localhost:80:80", "[::1", "user@localhost", "localhost:evil"}) {
    CAPTURE(host);
    CHECK(is_problem(with_host(host), 421, "unknown-host"));
  }
}

TEST_CASE("http: pages of other sites cannot change anything (CSRF)", "[coordinator][http]") {
  TestServer server;
  SocketClient client = server.client();
  CHECK(client.request("POST", "/echo", "Origin: http://localhost\r\n", "x").status == 200);
  CHECK(client.request("POST", "/echo", "", "x").status == 200);
  CHECK(client.get("/plain", "Origin: http://evil.example\r\n").status == 200);  // it cannot read the answer
  for (const char* origin : {"http://evil.example", "null", "http://localhost.evil.example", "http://localhost:81"}) {
    CAPTURE(origin);
    SocketClient other = server.client();
    const Answer answer = other.request("POST", "/echo", std::string("Origin: ") + origin + "\r\n", "x");
    CHECK(is_problem(answer, 403, "foreign-origin"));
  }
}

TEST_CASE("http: answers come later, from other threads, in the order of requests", "[coordinator][http]") {
  http::Router router;
  std::mutex mutex;
  std::vector<http::Responder> waiting;
  router.add("GET", "/later", http::Scope::kNone, "later", [&](const http::Request&, http::Responder respond) {
    const std::lock_guard lock(mutex);
    waiting.push_back(std::move(respond));
  });
  router.add("GET", "/dropped", http::Scope::kNone, "never", [](const http::Request&, http::Responder) {});
  router.add("GET", "/twice", http::Scope::kNone, "twice", [](const http::Request&, http::Responder respond) {
    respond(http::json_response("1"));
    respond(http::json_response("2"));
  });
  router.add("GET", "/throws", http::Scope::kNone, "throws",
             [](const http::Request&, http::Responder) { throw std::runtime_error("secret"); });
  http::ServerOptions options = test_options();
  std::string fault;
  options.on_fault = [&](const std::string& what) { fault = what; };
  TestServer server(std::move(options), std::move(router));
  SocketClient client = server.client();
  client.send("GET /later HTTP/1.1\r\nHost: localhost\r\n\r\nGET /twice HTTP/1.1\r\nHost: localhost\r\n\r\n");
  std::thread answering([&] {
    for (int i = 0; i < 1000; ++i) {
      std::this_thread::sleep_for(10ms);
      const std::lock_guard lock(mutex);
      if (waiting.empty()) continue;
      waiting.back()(http::json_response("\"late\""));
      return;
    }
  });
  CHECK(client.read_answer().body == "\"late\"");
  CHECK(client.read_answer().body == "1");
  answering.join();
  CHECK(is_problem(client.get("/dropped"), 500, "no-answer"));
  const Answer thrown = client.get("/throws");
  CHECK(is_problem(thrown, 500, "internal"));
  CHECK_FALSE(thrown.has("secret"));
  CHECK(client.get("/twice").body == "1");
  CHECK(fault == "GET /throws: secret");
}

TEST_CASE("http: an answer that is late is a 503, and no later request gets it", "[coordinator][http]") {
  std::mutex mutex;
  std::unique_ptr<http::Responder> late;
  http::Router router = test_routes();
  router.add("GET", "/later", http::Scope::kNone, "later", [&](const http::Request&, http::Responder respond) {
    const std::lock_guard lock(mutex);
    late = std::make_unique<http::Responder>(std::move(respond));
  });
  http::ServerOptions options = test_options();
  options.limits.answer_time = 100ms;
  auto server = std::make_unique<TestServer>(std::move(options), std::move(router));
  SocketClient client = server->client();
  CHECK(is_problem(client.get("/later"), 503, "no-answer-in-time"));
  (*late)(http::json_response("\"too late\""));
  CHECK(client.get("/plain").body == "plain");
  CHECK(is_problem(client.get("/later"), 503, "no-answer-in-time"));
  server.reset();
  (*late)(http::json_response("\"the server has gone\""));
}

TEST_CASE("http: what was served is reported", "[coordinator][http]") {
  std::mutex mutex;
  std::vector<std::string> lines;
  http::ServerOptions options = test_options();
  options.on_served = [&](const http::Served& served) {
    const std::lock_guard lock(mutex);
    lines.push_back(std::string(served.method) + " " + std::string(served.pattern) + " " +
                    std::string(served.principal) + " " + std::to_string(served.status));
  };
  TestServer server(std::move(options));
  server.client().get("/echo/x");
  server.client().get("/nothing");
  server.client().request("DELETE", "/runs/7", "Authorization: Bearer admin\r\n");
  const std::lock_guard lock(mutex);
  CHECK(lines == std::vector<std::string>{"GET /echo/{word}  200", "GET   404", "DELETE /runs/{id} a admin 204"});
}

TEST_CASE("http: a header of an answer cannot begin another", "[coordinator][http]") {
  http::Router router;
  router.add("GET", "/x", http::Scope::kNone, "x", [](const http::Request&, http::Responder respond) {
    http::Response response = http::json_response("1");
    response.headers.emplace_back("Location", "/a\r\nSet-Cookie: b");
    respond(std::move(response));
  });
  TestServer server(test_options(), std::move(router));
  const Answer answer = server.client().get("/x");
  CHECK(answer.header("location") == "/a  Set-Cookie: b");
  CHECK(answer.header("set-cookie").empty());
}

TEST_CASE("http: a large answer arrives whole, and assets are served from where they are", "[coordinator][http]") {
  static const http::Asset assets[] = {
      {"/", "text/html", "<p>", http::Encoding::kIdentity, "\"1\"", http::Caching::kRevalidate},
      {"/assets/app.3f.js", "text/javascript", "\x1f\x8b", http::Encoding::kGzip, "\"3f\"", http::Caching::kForever}};
  http::Router router = test_routes();
  router.add_assets({assets, 2});
  TestServer server(test_options(), std::move(router));
  SocketClient client = server.client();
  const Answer large = client.get("/large");
  CHECK((large.is_complete && large.body.size() == 16 << 20));
  const Answer page = client.get("/");
  CHECK((page.status == 200 && page.body == "<p>" && page.header("etag") == "\"1\""));
  CHECK(page.header("cache-control") == "no-cache");
  const Answer again = client.get("/", "If-None-Match: \"0\", W/\"1\"\r\n");
  CHECK((again.status == 304 && again.body.empty() && again.header("etag") == "\"1\""));
  const Answer script = client.get("/assets/app.3f.js", "Accept-Encoding: br, gzip;q=0.5\r\n");
  CHECK((script.status == 200 && script.header("content-encoding") == "gzip"));
  CHECK(script.header("cache-control") == "public, max-age=31536000, immutable");
  CHECK(script.header("vary") == "Accept-Encoding");
  CHECK(client.get("/assets/app.3f.js").status == 200);
  for (const char* refusing : {"identity", "gzip;q=0", "*;q=0", "gzip; q=0.0, *"}) {
    CAPTURE(refusing);
    CHECK(client.get("/assets/app.3f.js", std::string("Accept-Encoding: ") + refusing + "\r\n").status == 406);
  }
}
