#pragma once
/// @file
/// A WebSocket (RFC 6455) that sends texts and ignores what it is sent. Everything on the server's thread.

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/system/error_code.hpp>
#include <functional>
#include <memory>
#include <string>

#include "skink/coordinator/http/http_limits.hpp"

namespace skink::coordinator::http {

class WebSocket {
 public:
  using Done = std::function<void(const boost::system::error_code&)>;

  virtual ~WebSocket() = default;

  /// Answers the upgrade.
  /// @param[in] key  Sec-WebSocket-Key.
  virtual void accept(const std::string& key, Done done) = 0;
  /// Reads, so that pings and closes are answered, until the connection ends.
  /// @param[in] closing  the client has said that it closes; it may still leave the connection as it is. Once at most.
  /// @param[in] ended    the last call; kept until then. `closing` is kept as long as this, so must not own it.
  virtual void read_until_end(std::function<void()> closing, std::function<void()> ended) = 0;
  /// Sends `text`, which must live until `done`, as one frame. One write at a time.
  virtual void write(const std::string& text, Done done) = 0;
  /// Closes with a code and a reason, once, when no write is in progress; `done` after the client's answer.
  virtual void close(std::uint16_t code, const std::string& reason, Done done) = 0;
  /// At once. Handlers are still called, with errors.
  virtual void abort() = 0;
};

using PlainStream = boost::asio::generic::stream_protocol::socket;
using TlsStream = boost::asio::ssl::stream<PlainStream>;

std::unique_ptr<WebSocket> plain_websocket(PlainStream stream, const Limits& limits);
/// `context` is kept as long as the stream.
std::unique_ptr<WebSocket> tls_websocket(TlsStream stream, std::shared_ptr<void> context, const Limits& limits);

}  // namespace skink::coordinator::http
