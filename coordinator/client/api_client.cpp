#include "skink/coordinator/client/api_client.hpp"

#include <array>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "connector.hpp"

namespace skink::coordinator::client {
namespace {

namespace beast = boost::beast;

using Request = beast::http::request<beast::http::string_body>;
using Parser = beast::http::response_parser<beast::http::buffer_body>;

constexpr std::size_t kPartBytes = 65536;
constexpr std::uint32_t kMostHeaderBytes = 65536;

Request message_of(const Endpoint& endpoint, const Call& call, const std::string& last_event_id) {
  Request request(beast::http::string_to_verb(call.method), call.target, 11);
  const bool is_unix = endpoint.transport == Transport::kUnix;
  const std::string text = endpoint.text();
  request.set(beast::http::field::host, is_unix ? "localhost" : text.substr(text.find("//") + 2));
  request.set(beast::http::field::user_agent, "skinkctl");
  request.set(beast::http::field::connection, "close");
  if (!endpoint.token.empty()) request.set(beast::http::field::authorization, "Bearer " + endpoint.token);
  if (!call.idempotency_key.empty()) request.set("Idempotency-Key", call.idempotency_key);
  if (!last_event_id.empty()) request.set("Last-Event-ID", last_event_id);
  if (!call.body.empty()) {
    request.set(beast::http::field::content_type, "application/json");
    request.body() = call.body;
    request.prepare_payload();
  }
  return request;
}

/// One request and its answer, in parts.
class Exchange {
 public:
  explicit Exchange(const Endpoint& endpoint) : endpoint_(endpoint), connection_(endpoint) {
    parser_.header_limit(kMostHeaderBytes);
    parser_.body_limit(boost::none);  // counted by who takes the parts
  }

  Result<void> begin(const Call& call, const std::string& last_event_id, const ClientLimits& limits) {
    const auto opened = connection_.open(limits.connect_time);
    if (!opened) return opened.error();
    const Request request = message_of(endpoint_, call, last_event_id);
    const Deadline deadline = std::chrono::steady_clock::now() + limits.answer_time;
    // A server that refuses early may close before it has read everything; its answer says why.
    ErrorCode code = connection_.with_stream([&](auto& stream) {
      return connection_.wait(deadline, [&](auto done) {
        beast::http::async_write(stream, request, [done](const ErrorCode& failed, std::size_t) { done(failed); });
      });
    });
    if (code == boost::asio::error::timed_out) return unreachable(endpoint_, code);
    code = connection_.with_stream([&](auto& stream) {
      return connection_.wait(deadline, [&](auto done) {
        beast::http::async_read_header(stream, buffer_, parser_,
                                       [done](const ErrorCode& failed, std::size_t) { done(failed); });
      });
    });
    return code ? failure(code) : Result<void>();
  }

  int status() const { return static_cast<int>(parser_.get().result_int()); }
  bool is_over() const { return parser_.is_done(); }

  /// The next bytes of the body; none at its end.
  Result<std::string> part(Deadline deadline) {
    auto& body = parser_.get().body();
    body.data = bytes_.data();
    body.size = bytes_.size();
    ErrorCode code = connection_.with_stream([&](auto& stream) {
      return connection_.wait(deadline, [&](auto done) {
        beast::http::async_read_some(stream, buffer_, parser_,
                                     [done](const ErrorCode& failed, std::size_t) { done(failed); });
      });
    });
    if (code == beast::http::error::need_buffer) code = {};
    if (code) return failure(code).error();
    return std::string(bytes_.data(), bytes_.size() - body.size);
  }

 private:
  Result<void> failure(const ErrorCode& code) const {
    const bool is_http = code.category() == beast::http::make_error_code(beast::http::error::end_of_stream).category();
    if (is_http && code != beast::http::error::end_of_stream && code != beast::http::error::partial_message) {
      return make_error(Status::kDamaged, endpoint_.text() + ": the answer is not HTTP: " + code.message(),
                        Cause::kData);
    }
    return unreachable(endpoint_, code);
  }

  const Endpoint& endpoint_;
  Connection connection_;
  beast::flat_buffer buffer_;
  Parser parser_;
  std::array<char, kPartBytes> bytes_{};
};

/// The rest of an answer.
Result<Answer> read_answer(Exchange& exchange, const Endpoint& endpoint, const ClientLimits& limits) {
  Answer answer;
  answer.status = exchange.status();
  const Deadline deadline = std::chrono::steady_clock::now() + limits.answer_time;
  while (!exchange.is_over()) {
    const auto part = exchange.part(deadline);
    if (!part) return part.error();
    answer.body += *part;
    if (answer.body.size() > limits.answer_bytes) {
      return make_error(
          Status::kUnsupported,
          endpoint.text() + ": the answer is longer than " + std::to_string(limits.answer_bytes) + " bytes",
          Cause::kData);
    }
  }
  return answer;
}

}  // namespace

Result<Answer> ApiClient::send(const Call& call, const ClientLimits& limits) const {
  Exchange exchange(endpoint_);
  const auto begun = exchange.begin(call, "", limits);
  if (!begun) return begun.error();
  return read_answer(exchange, endpoint_, limits);
}

Result<Answer> ApiClient::follow(const std::string& target, const std::string& last_event_id,
                                 const std::function<bool(const StreamEvent&)>& on_event,
                                 const ClientLimits& limits) const {
  Exchange exchange(endpoint_);
  const auto begun = exchange.begin({"GET", target, "", ""}, last_event_id, limits);
  if (!begun) return begun.error();
  if (exchange.status() != 200) return read_answer(exchange, endpoint_, limits);
  EventReader reader;
  while (!exchange.is_over()) {
    const auto part = exchange.part(std::chrono::steady_clock::now() + limits.silence_time);
    if (!part) return part.error();
    const auto events = reader.add(*part);
    if (!events) return events.error();
    for (const StreamEvent& event : *events) {
      if (!on_event(event)) return Answer{200, ""};
    }
  }
  return Answer{200, ""};
}

}  // namespace skink::coordinator::client
