#pragma once
/// @file
/// The bytes of one connection, with or without TLS. Everything on the server's thread; handlers keep the channel's
/// owner alive, and are never called by the function that they were given to.

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/system/error_code.hpp>
#include <functional>
#include <memory>

#include "skink/coordinator/http/http_limits.hpp"
#include "websocket.hpp"

namespace skink::coordinator::http {

using Socket = boost::asio::generic::stream_protocol::socket;  // of unix sockets and of TCP
using Buffers = std::array<boost::asio::const_buffer, 2>;
using ErrorCode = boost::system::error_code;

class Channel {
 public:
  using Done = std::function<void(const ErrorCode&, std::size_t)>;

  virtual ~Channel() = default;

  /// TLS; without it done at once.
  virtual void handshake(std::function<void(const ErrorCode&)> done) = 0;
  /// One read at a time.
  virtual void read_some(boost::asio::mutable_buffer buffer, Done done) = 0;
  /// Writes all of it. One write at a time.
  virtual void write(const Buffers& buffers, Done done) = 0;
  /// Ends the read in progress with an error; what it would have read may be lost.
  virtual void cancel_read() = 0;
  /// Says that nothing more will be sent, and throws away what arrives until the client has closed, or has sent a
  /// megabyte more: closing at once could make the kernel withdraw what the client has not read yet. The caller limits
  /// the time.
  virtual void finish(std::function<void()> done) = 0;
  /// At once. Handlers are still called, with errors.
  virtual void close() = 0;
  /// The channel is used up.
  virtual std::unique_ptr<WebSocket> become_websocket(const Limits& limits) = 0;
};

std::unique_ptr<Channel> plain_channel(Socket socket);
std::unique_ptr<Channel> tls_channel(Socket socket, std::shared_ptr<boost::asio::ssl::context> context);

}  // namespace skink::coordinator::http
