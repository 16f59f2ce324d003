#pragma once
/// @file
/// Connections of the client, and how it waits for them. Private to it.

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <chrono>
#include <optional>

#include "skink/coordinator/client/api_client.hpp"

namespace skink::coordinator::client {

using ErrorCode = boost::system::error_code;
using Socket = boost::asio::generic::stream_protocol::socket;
using TlsStream = boost::asio::ssl::stream<Socket>;
using Deadline = std::chrono::steady_clock::time_point;

/// A connection to an endpoint: one of two streams, by whether there is TLS.
class Connection {
 public:
  explicit Connection(const Endpoint& endpoint) : endpoint_(endpoint), plain_(io_) {}

  /// Name look-up, connection, handshake. Errors as ApiClient::send().
  Result<void> open(std::chrono::milliseconds time);

  /// Calls visit(stream) with the stream that there is.
  template <class Visit>
  auto with_stream(Visit visit) {
    return tls_ ? visit(*tls_) : visit(plain_);
  }

  /// Runs what start(done) begins, until it calls done(code) or the time is over: the socket is closed then and the
  /// code is asio::error::timed_out.
  template <class Start>
  ErrorCode wait(Deadline deadline, Start start) {
    ErrorCode result = boost::asio::error::would_block;
    bool is_done = false;
    io_.restart();
    start([&](const ErrorCode& code) {
      result = code;
      is_done = true;
      io_.stop();
    });
    io_.run_until(deadline);
    if (is_done) return result;
    close();
    io_.restart();
    io_.run_until(std::chrono::steady_clock::now() + std::chrono::seconds(1));  // the handlers refer to this frame
    return boost::asio::error::timed_out;
  }

  boost::asio::io_context& io() { return io_; }

 private:
  void close();
  ErrorCode connect(Deadline deadline);
  ErrorCode connect_tcp(Deadline deadline);
  Result<void> shake_hands(Deadline deadline);

  const Endpoint& endpoint_;
  boost::asio::io_context io_;
  Socket plain_;
  std::optional<boost::asio::ssl::context> context_;
  std::optional<TlsStream> tls_;
};

/// Why nobody answered, and what to do about it: kUnavailable.
Error unreachable(const Endpoint& endpoint, const ErrorCode& code);

}  // namespace skink::coordinator::client
