#include "request_reader.hpp"

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "header_values.hpp"
#include "request_target.hpp"
#include "skink/coordinator/http/problem.hpp"

namespace skink::coordinator::http {
namespace {

namespace beast = boost::beast::http;

Response malformed(const std::string& detail) { return problem(400, "invalid-request", detail); }

using Fields = beast::fields;

/// "0\r\n\r\n", the shortest end of a chunked body. With less of it, Beast 1.74 asserts when the body is empty and it
/// has seen a part before (basic_parser.ipp, parse_chunk_header).
constexpr std::size_t kLeastEnd = 5;

std::string value_of(const Fields& fields, beast::field name) {
  const auto value = fields[name];
  return {value.data(), value.size()};
}

std::string value_of(const Fields& fields, const char* name) {
  const auto value = fields[name];
  return {value.data(), value.size()};
}

/// One that decides who or where: two of them could mean different things to us and to a proxy before us.
std::optional<Response> find_repeated(const Fields& fields) {
  for (const beast::field name :
       {beast::field::host, beast::field::authorization, beast::field::origin, beast::field::content_length,
        beast::field::transfer_encoding, beast::field::content_type, beast::field::sec_websocket_key}) {
    if (fields.count(name) > 1) {
      const auto text = beast::to_string(name);
      return malformed("the header " + std::string(text.data(), text.size()) + " is there twice");
    }
  }
  return std::nullopt;
}

void read_fields(const Fields& fields, Head& head) {
  Request& request = head.request;
  request.content_type = value_of(fields, beast::field::content_type);
  request.idempotency_key = value_of(fields, "Idempotency-Key");
  request.last_event_id = value_of(fields, "Last-Event-ID");
  request.if_none_match = value_of(fields, beast::field::if_none_match);
  request.accept = value_of(fields, beast::field::accept);
  request.accept_encoding = value_of(fields, beast::field::accept_encoding);
  request.authorization = value_of(fields, beast::field::authorization);
  head.host = value_of(fields, beast::field::host);
  head.origin = value_of(fields, beast::field::origin);
  head.expects_continue = equal_ignoring_case(value_of(fields, beast::field::expect), "100-continue");
  head.websocket_key = value_of(fields, beast::field::sec_websocket_key);
  head.websocket_version = value_of(fields, beast::field::sec_websocket_version);
  head.wants_websocket = list_has(value_of(fields, beast::field::connection), "upgrade") &&
                         list_has(value_of(fields, beast::field::upgrade), "websocket");
}

}  // namespace

struct RequestReader::Parser {
  beast::request_parser<beast::string_body> beast;
};

RequestReader::RequestReader(const Limits& limits) : limits_(limits), parser_(std::make_unique<Parser>()) {
  parser_->beast.header_limit(static_cast<std::uint32_t>(limits.header_bytes));
  parser_->beast.body_limit(boost::none);  // judged in read_head(), so that it is our answer
  parser_->beast.eager(false);
}

RequestReader::~RequestReader() = default;

std::string RequestReader::take_body() { return std::move(parser_->beast.get().body()); }

void RequestReader::refuse(Response response) {
  state_ = State::kRefused;
  refusal_ = std::move(response);
}

void RequestReader::refuse_too_long(std::string_view left) {
  const std::string most = std::to_string(limits_.header_bytes);
  if (header_bytes_ == 0 && left.substr(0, limits_.header_bytes).find('\n') == std::string_view::npos) {
    return refuse(problem(414, "target-too-long", "the request line has more than " + most + " bytes"));
  }
  refuse(problem(431, "header-too-large", "the header has more than " + most + " bytes"));
}

std::size_t RequestReader::feed(std::string_view bytes) {
  if (bytes.empty()) return 0;
  return state_ == State::kHeader ? feed_header(bytes) : state_ == State::kBody ? feed_body(bytes) : 0;
}

std::size_t RequestReader::feed_header(std::string_view bytes) {
  boost::system::error_code code;
  auto& parser = parser_->beast;
  const std::size_t used = parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), code);
  header_bytes_ += used;
  const bool is_stuck = used == 0 && bytes.size() >= buffer_bytes(limits_) && !parser.is_header_done();
  if (code == beast::error::header_limit || header_bytes_ > limits_.header_bytes || is_stuck) {
    refuse_too_long(bytes);
    return used;
  }
  if (code && code != beast::error::need_more) {
    refuse(malformed("this is not HTTP/1.1: " + code.message()));
    return used;
  }
  if (!parser.is_header_done()) return used;
  if (auto refusal = read_head()) {
    refuse(std::move(*refusal));
    return used;
  }
  state_ = parser.is_done() ? State::kComplete : State::kBody;
  parser.body_limit(limits_.body_bytes);
  parser.eager(true);
  return used;
}

std::size_t RequestReader::feed_body(std::string_view bytes) {
  boost::system::error_code code;
  auto& parser = parser_->beast;
  if (parser.chunked() && bytes.size() < kLeastEnd) return 0;
  const std::size_t used = parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), code);
  if (code == beast::error::body_limit) {
    refuse(problem(413, "body-too-large", "the body has more than " + std::to_string(limits_.body_bytes) + " bytes"));
  } else if (code && code != beast::error::need_more) {
    refuse(malformed("the body is not what the header says: " + code.message()));
  } else if (parser.is_done()) {
    state_ = State::kComplete;
  } else if (used == 0 && bytes.size() >= buffer_bytes(limits_)) {
    refuse(malformed("a chunk's header is longer than " + std::to_string(limits_.header_bytes) + " bytes"));
  }
  return used;
}

std::optional<Response> RequestReader::read_head() {
  const auto& parser = parser_->beast;
  const auto& message = parser.get();
  if (message.version() != 11 && message.version() != 10) {
    return problem(505, "http-version", "this server speaks HTTP/1.1 and HTTP/1.0");
  }
  if (auto repeated = find_repeated(message)) return repeated;
  const std::string coding = value_of(message, beast::field::transfer_encoding);
  if (!coding.empty() && (!equal_ignoring_case(coding, "chunked") || message.version() == 10)) {
    return problem(501, "transfer-encoding", "the only transfer encoding is 'chunked', in HTTP/1.1");
  }
  if (message.version() == 11 && message.count(beast::field::host) == 0) {
    return malformed("the header Host is missing");
  }
  Target target;
  const auto text = message.target();
  auto refusal = read_target({text.data(), text.size()}, limits_, target);
  head_.request.path = std::move(target.path);
  if (refusal) return refusal;
  const auto method = message.method_string();
  head_.request.method.assign(method.data(), method.size());
  head_.is_head_method = head_.request.method == "HEAD";
  head_.request.query = std::move(target.query);
  head_.segments = std::move(target.segments);
  head_.keeps_alive = message.keep_alive();
  read_fields(message, head_);
  const auto length = parser.content_length();
  head_.has_body = parser.chunked() || (length && *length > 0);
  head_.body_bytes = parser.chunked() ? limits_.body_bytes : length ? *length : 0;
  if (head_.body_bytes > limits_.body_bytes) {
    return problem(413, "body-too-large",
                   "the body has " + std::to_string(head_.body_bytes) + " bytes; at most " +
                       std::to_string(limits_.body_bytes) + " are read");
  }
  return std::nullopt;
}

}  // namespace skink::coordinator::http
