#include "skink/coordinator/client/api_client.hpp"

#include <catch2/catch.hpp>

using namespace skink;
using namespace skink::coordinator::client;

TEST_CASE("api client: a URL names host, port and TLS", "[coordinator][client]") {
  const auto tls = parse_url("https://gateway.example:8443");
  REQUIRE(tls.has_value());
  CHECK((tls->transport == Transport::kTls && tls->host == "gateway.example" && tls->port == 8443));
  CHECK(tls->text() == "https://gateway.example:8443");
  CHECK(parse_url("https://gateway.example/")->port == 443);
  CHECK(parse_url("http://127.0.0.1")->port == 80);
  const auto six = parse_url("http://[::1]:8080");
  REQUIRE(six.has_value());
  CHECK(six->host == "::1");
  CHECK(six->text() == "http://[::1]:8080");
}

TEST_CASE("api client: plain HTTP to other machines, and what is no URL, is refused", "[coordinator][client]") {
  for (const char* url :
       {"http://gateway.example:80", "http://127.example.org:80", "gateway:80", "https://", "https://a:b",
        "https://a@b:1", "https://a:1/path", "ftp://a:1", "https://a:0", "https://a:70000", ""}) {
    CAPTURE(url);
    const auto endpoint = parse_url(url);
    REQUIRE(endpoint.has_error());
    CHECK(endpoint.error().code == Status::kInvalidArgument);
    CHECK(endpoint.error().cause == Cause::kUsage);
  }
}

TEST_CASE("api client: events come out whole, wherever the parts of a stream end", "[coordinator][client]") {
  const std::string text =
      ": still here\n\nid: 7\nevent: round\ndata: {\"a\":1}\n\nevent: gap\r\ndata: x\r\ndata:y\r\n\r\n\nid: 8\n"
      "event: run\ndata: z\n\nid: 9\ndata: not yet";
  const std::size_t step = GENERATE(std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7}, std::size_t{1000});
  EventReader reader;
  std::vector<StreamEvent> all;
  for (std::size_t at = 0; at < text.size(); at += step) {
    const auto events = reader.add(text.substr(at, step));
    REQUIRE(events.has_value());
    all.insert(all.end(), events->begin(), events->end());
  }
  REQUIRE(all.size() == 3);
  CHECK((all[0].id == "7" && all[0].type == "round" && all[0].data == "{\"a\":1}"));
  CHECK((all[1].id.empty() && all[1].type == "gap" && all[1].data == "x\ny"));
  CHECK((all[2].id == "8" && all[2].type == "run" && all[2].data == "z"));
}

TEST_CASE("api client: an event without an end is refused", "[coordinator][client]") {
  EventReader reader;
  const std::string part(std::size_t{1} << 19, 'x');
  REQUIRE(reader.add(part).has_value());
  REQUIRE(reader.add(part).has_value());
  const auto events = reader.add(part);
  REQUIRE(events.has_error());
  CHECK(events.error().code == Status::kUnsupported);
}

TEST_CASE("api client: a socket that is not there, and one that is no socket, are unreachable",
          "[coordinator][client]") {
  Endpoint endpoint;
  endpoint.socket = "/nowhere/api.sock";
  const auto absent = ApiClient(endpoint).send({"GET", "/", "", ""});
  REQUIRE(absent.has_error());
  CHECK(absent.error().code == Status::kUnavailable);
  CHECK(absent.error().message.find("/nowhere/api.sock: there is no such socket") == 0);
  endpoint.socket = std::string(108, 'a');
  const auto too_long = ApiClient(endpoint).send({"GET", "/", "", ""});
  REQUIRE(too_long.has_error());
  CHECK(too_long.error().cause == Cause::kUsage);
}
