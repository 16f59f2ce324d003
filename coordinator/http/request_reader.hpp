#pragma once
/// @file
/// Bytes to a request, without I/O: Boost.Beast's parser with the limits of this server. The server feeds it what a
/// socket gives, the fuzzer what it invents.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "skink/coordinator/http/http_limits.hpp"
#include "skink/coordinator/http/http_message.hpp"

namespace skink::coordinator::http {

/// A request's line and fields, and what the server itself needs of them.
struct Head {
  Request request;  ///< body, pattern, path_parameters, peer and principal are not set
  std::vector<std::string> segments;
  std::string host, origin;
  bool is_head_method = false;
  bool keeps_alive = false;
  bool expects_continue = false;
  bool has_body = false;
  std::uint64_t body_bytes = 0;  ///< announced; of a chunked body: Limits::body_bytes
  bool wants_websocket = false;
  std::string websocket_key, websocket_version;
};

/// Reads one request.
class RequestReader {
 public:
  enum class State : std::uint8_t {
    kHeader,    ///< incomplete: feed more
    kBody,      ///< head() is there, the body is incomplete: decide, then feed more
    kComplete,  ///< take_body()
    kRefused    ///< refusal(); the connection cannot be used any more
  };

  explicit RequestReader(const Limits& limits);
  ~RequestReader();
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  /// Reads on, in kHeader and kBody; stops after the header.
  /// @param[in] bytes  what was not consumed by the calls before, and what has come since. With buffer_bytes() of it,
  /// either
  ///                   something is consumed or the request is refused.
  /// @returns how many bytes were consumed.
  std::size_t feed(std::string_view bytes);

  State state() const { return state_; }
  Head& head() { return head_; }
  Response& refusal() { return refusal_; }
  std::string take_body();

  /// Bytes of memory that a reader of requests with `limits` needs for what is not consumed yet.
  static std::size_t buffer_bytes(const Limits& limits) { return limits.header_bytes; }

 private:
  struct Parser;
  std::size_t feed_header(std::string_view bytes);
  std::size_t feed_body(std::string_view bytes);
  void refuse(Response response);
  void refuse_too_long(std::string_view left);
  std::optional<Response> read_head();

  const Limits& limits_;
  std::unique_ptr<Parser> parser_;
  State state_ = State::kHeader;
  std::size_t header_bytes_ = 0;  ///< consumed
  Head head_;
  Response refusal_;
};

}  // namespace skink::coordinator::http
