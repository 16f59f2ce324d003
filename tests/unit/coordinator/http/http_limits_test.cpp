/// @file
/// Every limit of a server over real sockets: what clients that are slow, silent, greedy or broken get, and that others
/// are still served.

#include <sys/resource.h>

#include <fstream>

#include "test_server.hpp"

using namespace skink;
using namespace skink::test;

namespace {

using Clock = std::chrono::steady_clock;

/// Resident memory of this process, in bytes.
std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

TEST_CASE("http limits: 1,000 connections that say nothing hold nobody up", "[coordinator][http][limits]") {
  rlimit descriptors{};
  ::getrlimit(RLIMIT_NOFILE, &descriptors);
  descriptors.rlim_cur = std::min<rlim_t>(descriptors.rlim_max, 4096);
  ::setrlimit(RLIMIT_NOFILE, &descriptors);
  REQUIRE(descriptors.rlim_cur >= 3000);  // both ends of each
  TestServer server;
  server.client("127.0.0.2").get("/plain");
  const std::size_t before = resident_bytes();
  std::vector<SocketClient> silent;
  for (int i = 0; i < 1000; ++i) {
    silent.push_back(server.client());
    if (i % 2 == 0) silent.back().send("GET /plain HTT");
  }
  REQUIRE(server.wait_until([](const auto& now) { return now.connections + now.refused_connections >= 1000; }));
  CHECK(server.server().statistics().connections <= 64 + 1);
  CHECK(server.server().statistics().refused_connections >= 1000 - 64);
  const auto start = Clock::now();
  CHECK(server.client("127.0.0.2").get("/plain").status == 200);
  CHECK(Clock::now() - start < 1s);
  const std::size_t after = resident_bytes();
  CHECK(after < before + (std::size_t{16} << 20));
}

TEST_CASE("http limits: connections per address, and of all", "[coordinator][http][limits]") {
  TestServer server([](http::Limits& limits) {
    limits.connections = 3;
    limits.connections_per_peer = 2;
  });
  SocketClient first = server.client(), second = server.client();
  CHECK(first.get("/plain").status == 200);
  CHECK(second.get("/plain").status == 200);
  SocketClient third = server.client();
  const Answer refused = third.get("/plain");
  CHECK(is_problem(refused, 503, "too-many-connections"));
  CHECK(refused.header("retry-after") == "2");
  CHECK(third.is_closed());
  SocketClient other = server.client("127.0.0.2");
  CHECK(other.get("/plain").status == 200);
  SocketClient newcomer = server.client("127.0.0.3");  // has none, and the first address has two
  CHECK(newcomer.get("/plain").status == 200);
  CHECK(first.is_closed());
  CHECK(server.client("127.0.0.4").get("/plain").status == 503);  // nobody has two now
  { const SocketClient gone = std::move(second); }
  REQUIRE(server.wait_until([](const auto& now) { return now.connections == 2; }));
  CHECK(server.client("127.0.0.4").get("/plain").status == 200);
}

TEST_CASE("http limits: a few addresses with silent connections do not shut others out",
          "[coordinator][http][limits]") {
  TestServer server([](http::Limits& limits) {
    limits.connections = 8;
    limits.connections_per_peer = 4;
  });
  std::vector<SocketClient> silent;
  for (int i = 0; i < 8; ++i) {
    silent.push_back(server.client(i % 2 == 0 ? "127.0.0.2" : "127.0.0.3"));
    silent.back().send(i < 4 ? "GET /pl" : "");
  }
  REQUIRE(server.wait_until([](const auto& now) { return now.connections == 8; }));
  SocketClient honest = server.client("127.0.0.4");
  CHECK(honest.get("/plain").status == 200);
  CHECK(server.server().statistics().displaced_connections == 1);
  for (int i = 0; i < 8; ++i) silent.push_back(server.client(i % 2 == 0 ? "127.0.0.2" : "127.0.0.3"));  // and again
  REQUIRE(server.wait_until([](const auto& now) { return now.refused_connections >= 7; }));
  CHECK(honest.get("/plain").status == 200);
  CHECK(server.client("127.0.0.5").get("/plain").status == 200);
}

TEST_CASE("http limits: who asks without a pause waits, others do not", "[coordinator][http][limits]") {
  TestServer server([](http::Limits& limits) {
    limits.pace_burst = 10;
    limits.pace_per_second = 100;
  });
  const auto start = Clock::now();
  SocketClient greedy = server.client();
  for (int i = 0; i < 60; ++i) REQUIRE(greedy.get("/plain").status == 200);
  CHECK(Clock::now() - start >= 490ms);  // a connection and the requests before the last: 60 units, 10 of them at once
  CHECK(server.server().statistics().paced_requests >= 40);
  const std::uint64_t paced = server.server().statistics().paced_requests;
  CHECK(server.client("127.0.0.2").get("/plain").status == 200);
  CHECK(server.server().statistics().paced_requests <= paced + 1);  // the greedy one, after its last answer
  const auto again = Clock::now();                                  // and a connection for each is no way round
  for (int i = 0; i < 30; ++i) REQUIRE(server.client().get("/plain").status == 200);
  CHECK(Clock::now() - again >= 500ms);
}

TEST_CASE("http limits: a large answer counts for more than a small one", "[coordinator][http][limits]") {
  TestServer server([](http::Limits& limits) {
    limits.pace_burst = 100;
    limits.pace_per_second = 10'000;
  });
  SocketClient client = server.client();
  CHECK(client.get("/large").is_complete);  // 1,024 units
  CHECK(client.get("/plain").status == 200);
  CHECK(server.server().statistics().paced_requests == 1);
}

TEST_CASE("http limits: header, target, path and query", "[coordinator][http][limits]") {
  TestServer server([](http::Limits& limits) {
    limits.header_bytes = 1000;
    limits.target_bytes = 100;
    limits.path_segments = 3;
    limits.query_parameters = 2;
  });
  const auto get = [&](const std::string& target, const std::string& headers = "") {
    SocketClient client = server.client();
    Answer answer = client.get(target, headers);
    if (answer.status != 200) CHECK(client.is_closed());
    return answer;
  };
  CHECK(get("/plain?a=1&b=2").status == 200);
  CHECK(is_problem(get("/plain", "X: " + std::string(1000, 'x') + "\r\n"), 431, "header-too-large"));
  CHECK(is_problem(get("/" + std::string(100, 'a')), 414, "target-too-long"));
  CHECK(is_problem(get("/" + std::string(2000, 'a')), 414, "target-too-long"));
  CHECK(is_problem(get("/a/b/c/d"), 414, "target-too-long"));
  CHECK(is_problem(get("/plain?a=1&b=2&c=3"), 414, "target-too-long"));
  CHECK(is_problem(get("/..%2f/"), 400, "invalid-target"));
}

TEST_CASE("http limits: a body of a gigabyte is refused unread", "[coordinator][http][limits]") {
  TestServer server;
  SocketClient client = server.client();
  client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1073741824\r\n\r\n");
  CHECK(is_problem(client.read_answer(), 413, "body-too-large"));
  // And who goes on sending is cut off.
  const std::string part(65536, 'x');
  std::size_t sent = 0;
  while (sent < (std::size_t{1} << 30) && client.send(part)) sent += part.size();
  CHECK(sent < (std::size_t{64} << 20));
}

TEST_CASE("http limits: a chunked body ends at the limit too", "[coordinator][http][limits]") {
  TestServer server([](http::Limits& limits) { limits.body_bytes = 100'000; });
  SocketClient client = server.client();
  const std::string start = "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
  client.send(start + "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nTrailer: x\r\n\r\n");
  CHECK(client.read_answer().body == "hello world");
  client.send(start);
  for (int i = 0; i < 20 && client.send("2710\r\n" + std::string(10'000, 'x') + "\r\n"); ++i) {
  }
  CHECK(is_problem(client.read_answer(), 413, "body-too-large"));
  CHECK(client.is_closed());
}

TEST_CASE("http limits: bodies of all requests together", "[coordinator][http][limits]") {
  TestServer server([](http::Limits& limits) {
    limits.body_bytes = 1000;
    limits.bodies_bytes = 1500;
  });
  SocketClient first = server.client();
  first.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n");
  REQUIRE(first.read_until("\r\n\r\n").find(" 100 ") != std::string::npos);  // it has its share now
  CHECK(is_problem(server.client().request("POST", "/echo", "", std::string(900, 'x')), 503, "too-busy"));
  CHECK(server.client().request("POST", "/echo", "", std::string(400, 'x')).status == 200);
  first.send(std::string(1000, 'x'));
  CHECK(first.read_answer().status == 200);
  CHECK(server.client().request("POST", "/echo", "", std::string(900, 'x')).status == 200);
}

TEST_CASE("http limits: nobody without a token makes the server read a body", "[coordinator][http][limits]") {
  TestServer server;
  SocketClient client = server.client();
  client.send("DELETE /runs/7 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n");
  CHECK(is_problem(client.read_answer(), 401, "unauthorized"));  // in place of "100 Continue"
  CHECK(client.is_closed());
  SocketClient honest = server.client();
  honest.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  CHECK(honest.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  honest.send("hi");
  CHECK(honest.read_answer().body == "hi");
}

TEST_CASE("http limits: times of header, body and idleness", "[coordinator][http][limits]") {
  TestServer server([](http::Limits& limits) {
    limits.header_time = 150ms;
    limits.body_time = 150ms;
    limits.idle_time = 150ms;
  });
  const auto start = Clock::now();
  SocketClient silent = server.client();
  CHECK(silent.is_closed());
  SocketClient dripping = server.client();
  for (int i = 0; i < 20 && dripping.send("G"); ++i) std::this_thread::sleep_for(20ms);
  CHECK(is_problem(dripping.read_answer(), 408, "too-slow"));
  SocketClient half = server.client();
  half.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf");
  CHECK(is_problem(half.read_answer(), 408, "too-slow"));
  SocketClient idle = server.client();
  CHECK(idle.get("/plain").status == 200);
  CHECK(idle.is_closed());
  SocketClient later = server.client();
  CHECK(later.get("/plain").status == 200);
  later.send("GET /plain");
  CHECK(later.read_answer().status == 408);
  CHECK(Clock::now() - start < 8s);
}

TEST_CASE("http limits: who reads an answer too slowly is cut off, at little cost", "[coordinator][http][limits]") {
  TestServer server([](http::Limits& limits) {
    limits.write_time = 300ms;
    limits.send_buffer_bytes = 16384;
  });
  SocketClient slow(server.port(), "127.0.0.1", 4096);
  slow.send("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
  REQUIRE(server.wait_until([](const auto& now) { return now.connections == 1; }));
  CHECK(server.client("127.0.0.2").get("/plain").status == 200);
  CHECK(server.wait_until([](const auto& now) { return now.connections == 0; }));
  CHECK(slow.read_all().size() < (std::size_t{16} << 20));
  SocketClient steady(server.port(), "127.0.0.1", 65536);  // slow, but never for long: 16 MiB whole
  steady.send("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(steady.read_answer().is_complete);
}

TEST_CASE("http limits: requests of one connection, and pipelined ones", "[coordinator][http][limits]") {
  TestServer server([](http::Limits& limits) { limits.requests_per_connection = 50; });
  SocketClient client = server.client();
  std::string all;
  for (int i = 0; i < 60; ++i) all += "GET /echo/" + std::to_string(i) + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  client.send(all);
  for (int i = 0; i < 50; ++i) {
    const Answer answer = client.read_answer();
    CHECK(answer.body == std::to_string(i));
    CHECK(answer.header("connection") == (i == 49 ? "close" : "keep-alive"));
  }
  CHECK(client.is_closed());
}

TEST_CASE("http limits: what is pipelined waits in the socket, not in memory", "[coordinator][http][limits]") {
  http::Router router;
  std::unique_ptr<http::Responder> waiting;
  router.add("GET", "/wait", http::Scope::kNone, "waits", [&](const http::Request&, http::Responder respond) {
    waiting = std::make_unique<http::Responder>(std::move(respond));
  });
  TestServer server(test_options(), std::move(router));
  SocketClient client = server.client();
  client.send("GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const std::size_t before = resident_bytes();
  const std::string flood(65536, 'x');
  std::size_t sent = 0;
  while (sent < (std::size_t{64} << 20)) {  // until the socket takes no more
    const ssize_t count = ::send(client.fd(), flood.data(), flood.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count <= 0) break;
    sent += static_cast<std::size_t>(count);
  }
  CHECK(sent < (std::size_t{64} << 20));
  CHECK(resident_bytes() < before + (std::size_t{8} << 20));
}

TEST_CASE("http limits: garbage is answered and closed", "[coordinator][http][limits]") {
  TestServer server;
  for (const std::string& garbage :
       {std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11), std::string("SSH-2.0-OpenSSH_9.2\r\n"),
        std::string(5000, '\0'), std::string("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n")}) {
    SocketClient client = server.client();
    client.send(garbage);
    CHECK(client.read_answer().status == 400);
    CHECK(client.is_closed());
  }
  SocketClient nothing = server.client();
  ::shutdown(nothing.fd(), SHUT_WR);
  CHECK(nothing.is_closed());
  CHECK(server.wait_until([](const auto& now) { return now.connections == 0; }));
}
