/// @file
/// Bytes to requests, whole and byte by byte, without a server.

#include "http/request_reader.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace skink::coordinator::http;
using State = RequestReader::State;

namespace {

/// Feeds `text` in pieces of `step` bytes, as a connection does. @returns what is left.
std::string feed(RequestReader& reader, const std::string& text, std::size_t step) {
  std::string waiting;
  for (std::size_t at = 0; at < text.size();) {
    const std::string piece = text.substr(at, step);
    waiting += piece;
    at += piece.size();
    for (std::size_t used = 1; used > 0 && !waiting.empty();) {
      if (reader.state() == State::kComplete || reader.state() == State::kRefused) break;
      used = reader.feed(waiting);
      waiting.erase(0, used);
    }
  }
  return waiting;
}

int refusal_of(const std::string& text, const Limits& limits = {}) {
  int status = -1;
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, text.size()}) {
    RequestReader reader(limits);
    feed(reader, text, step);
    const int now = reader.state() == State::kRefused ? reader.refusal().status : 0;
    CAPTURE(text.substr(0, 200), step, status, now);
    CHECK((status == -1 || status == now));
    status = now;
  }
  return status;
}

std::string get(const std::string& target) { return "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n"; }

Head head_of(const std::string& text) {
  const Limits limits;
  RequestReader reader(limits);
  feed(reader, text, text.size());
  REQUIRE(reader.state() != State::kHeader);
  if (reader.state() == State::kRefused) FAIL(reader.refusal().body.bytes());
  return reader.head();
}

}  // namespace

TEST_CASE("request reader: path and query are decoded", "[coordinator][http]") {
  const Head head = head_of(get("/a%20b/%2Fc/+?x=1%262&y=a+b&flag&z=%C3%A9"));
  CHECK(head.segments == std::vector<std::string>{"a b", "/c", "+"});
  CHECK(head.request.path == "/a b//c/+");
  CHECK(head.request.query == Parameters{{"x", "1&2"}, {"y", "a b"}, {"flag", ""}, {"z", "\xc3\xa9"}});
  CHECK(head_of(get("/")).segments.empty());
  CHECK(head_of(get("/?&&a=1&")).request.query == Parameters{{"a", "1"}});
}

TEST_CASE("request reader: targets that no honest client sends are refused", "[coordinator][http]") {
  for (const char* target : {"/..",        "/a/../b", "/a/./b", "//a",   "/a/",  "/%2e%2e/x", "/a%00",      "/%0d%0a",
                             "/%",         "/%4",     "/%zz",   "/\xff", "/%ff", "/%c0%af",   "/%ed%a0%80", "/a#b",
                             "http://a/b", "*",       "a",      "/?a=%", "/?=1", "/?a=1&a=2", "/?a=%00"}) {
    CAPTURE(target);
    CHECK(refusal_of(get(target)) == 400);
  }
}

TEST_CASE("request reader: what two readers could understand differently is refused", "[coordinator][http]") {
  const std::string post = "POST / HTTP/1.1\r\nHost: a\r\n";
  CHECK(refusal_of(post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc") == 400);
  CHECK(refusal_of(post + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc") == 400);
  CHECK(refusal_of(post + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc") == 400);
  CHECK(refusal_of(post + "Content-Length: -3\r\n\r\nabc") == 400);
  CHECK(refusal_of(post + "Content-Length: 0x3\r\n\r\nabc") == 400);
  CHECK(refusal_of(post + "Content-Length: 99999999999999999999\r\n\r\nabc") == 400);
  CHECK(refusal_of(post + "Transfer-Encoding: gzip\r\n\r\n") == 501);
  CHECK(refusal_of(post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n") == 501);
  CHECK(refusal_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") == 501);
  CHECK(refusal_of(post + "Host: b\r\n\r\n") == 400);
  CHECK(refusal_of("GET / HTTP/1.1\r\n\r\n") == 400);
  CHECK(refusal_of("GET / HTTP/1.1\r\nHost : a\r\n\r\n") == 400);
  CHECK(refusal_of(post + "Authorization: a\r\nAuthorization: b\r\n\r\n") == 400);
}

TEST_CASE("request reader: garbage is refused, and nothing is made of its beginning", "[coordinator][http]") {
  CHECK(refusal_of(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11)) == 400);
  CHECK(refusal_of("GET / HTTP/2.0\r\nHost: a\r\n\r\n") != 0);
  CHECK(refusal_of("GET / HTTP/3\r\nHost: a\r\n\r\n") == 400);
  CHECK(refusal_of("G\x01T / HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
  CHECK(refusal_of("GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n") == 400);
  CHECK(refusal_of(std::string("GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n", 33)) == 400);
}

TEST_CASE("request reader: an empty chunked body, split anywhere", "[coordinator][http]") {
  const std::string head = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string& body :
       {std::string("0\r\n\r\n"), std::string("0\r\nA: b\r\n\r\n"), std::string("0\r\n\r\r\n\r\n")}) {
    for (std::size_t cut = 0; cut <= body.size(); ++cut) {
      const Limits limits;
      RequestReader reader(limits);
      std::string waiting;
      for (const std::string& part : {head, body.substr(0, cut), body.substr(cut)}) {
        waiting += part;
        for (std::size_t used = 1; used > 0 && !waiting.empty() && reader.state() < State::kComplete;) {
          used = reader.feed(waiting);
          waiting.erase(0, used);
        }
      }
      CHECK(reader.state() == (body.size() == 8 ? State::kRefused : State::kComplete));
    }
  }
}

TEST_CASE("request reader: chunked bodies, their extensions and trailers", "[coordinator][http]") {
  const std::string post = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string text = post + "3;name=value\r\nabc\r\n4\r\ndefg\r\n0\r\nHost: other\r\n\r\nNEXT";
  for (std::size_t step = 1; step < 40; step += 3) {
    const Limits limits;
    RequestReader reader(limits);
    const std::string left = feed(reader, text, step);
    CAPTURE(step);
    REQUIRE(reader.state() == State::kComplete);
    CHECK(reader.take_body() == "abcdefg");
    CHECK(reader.head().host == "a");  // a trailer changes nothing that was decided
    CHECK(std::string("NEXT").ends_with(left.substr(0, 4)));
  }
  CHECK(refusal_of(post + "zzz\r\n") == 400);
  CHECK(refusal_of(post + "fffffffffffffffff\r\n") == 400);
  CHECK(refusal_of(post + "1;" + std::string(10'000, 'x')) == 400);
  Limits small;
  small.body_bytes = 6;
  CHECK(refusal_of(post + "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n", small) == 413);
}

TEST_CASE("request reader: limits of header, target and body", "[coordinator][http]") {
  const Limits limits;
  CHECK(refusal_of(get("/" + std::string(limits.target_bytes - 1, 'a'))) == 0);
  CHECK(refusal_of(get("/" + std::string(limits.target_bytes, 'a'))) == 414);
  CHECK(refusal_of(get("/" + std::string(limits.header_bytes, 'a'))) == 414);
  const std::string start = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
  CHECK(refusal_of(start + std::string(limits.header_bytes - start.size() - 5, 'x') + "\r\n\r\n") == 0);
  CHECK(refusal_of(start + std::string(limits.header_bytes, 'x') + "\r\n\r\n") == 431);
  CHECK(refusal_of("GET /" + std::string(2000, 'a') + " HTTP/1.1\r\nHost: a\r\nX: " +
                   std::string(limits.header_bytes - 1500, 'x') + "\r\n\r\n") == 431);  // the sum counts
  CHECK(refusal_of("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n") == 413);
  CHECK(refusal_of("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n") == 0);
  std::string path, query = "/?";
  for (int i = 0; i < 16; ++i) path += "/a";
  for (int i = 0; i < 32; ++i) query += "a" + std::to_string(i) + "&";
  CHECK(refusal_of(get(path)) == 0);
  CHECK(refusal_of(get(path + "/a")) == 414);
  CHECK(refusal_of(get(query)) == 0);
  CHECK(refusal_of(get(query + "b")) == 414);
}

TEST_CASE("request reader: what the server asks of a header", "[coordinator][http]") {
  CHECK(head_of("GET / HTTP/1.1\r\nHost: a\r\n\r\n").keeps_alive);
  CHECK_FALSE(head_of("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").keeps_alive);
  CHECK_FALSE(head_of("GET / HTTP/1.0\r\n\r\n").keeps_alive);
  CHECK(head_of("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n").is_head_method);
  const Head head = head_of(
      "POST / HTTP/1.1\r\nHost: a:1\r\nOrigin: http://b\r\nExpect: 100-continue\r\nContent-Length: 5\r\n"
      "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: k\r\n"
      "Idempotency-Key: i\r\nLast-Event-ID: 7\r\nIf-None-Match: \"e\"\r\nAccept: x\r\n\r\n");
  CHECK(head.host == "a:1");
  CHECK(head.origin == "http://b");
  CHECK(head.expects_continue);
  CHECK((head.has_body && head.body_bytes == 5));
  CHECK((head.wants_websocket && head.websocket_key == "k"));
  CHECK((head.request.idempotency_key == "i" && head.request.last_event_id == "7"));
  CHECK((head.request.if_none_match == "\"e\"" && head.request.accept == "x"));
}
