#include "channel.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace skink::coordinator::http {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kMostDiscardedBytes = std::size_t{1} << 20;

void close_socket(Socket& socket) {
  ErrorCode ignored;
  socket.close(ignored);
}

/// Reads and forgets until the other end closes.
class Discarder {
 public:
  void run(Socket& socket, std::function<void()> done) {
    auto on_read = [this, &socket, done = std::move(done)](const ErrorCode& code, std::size_t count) mutable {
      discarded_ += count;
      if (code || discarded_ > kMostDiscardedBytes) return done();
      run(socket, std::move(done));
    };
    socket.async_read_some(asio::buffer(bytes_), std::move(on_read));
  }

 private:
  std::array<char, 4096> bytes_{};
  std::size_t discarded_ = 0;
};

void shut_down_sending(Socket& socket) {
  ErrorCode ignored;
  socket.shutdown(Socket::shutdown_send, ignored);
}

class PlainChannel final : public Channel {
 public:
  explicit PlainChannel(Socket socket) : socket_(std::move(socket)) {}

  void handshake(std::function<void(const ErrorCode&)> done) override {
    asio::post(socket_.get_executor(), [done = std::move(done)] { done({}); });
  }
  void read_some(asio::mutable_buffer buffer, Done done) override { socket_.async_read_some(buffer, std::move(done)); }
  void write(const Buffers& buffers, Done done) override { asio::async_write(socket_, buffers, std::move(done)); }
  void cancel_read() override {
    ErrorCode ignored;
    socket_.cancel(ignored);
  }
  void finish(std::function<void()> done) override {
    shut_down_sending(socket_);
    discarder_ = std::make_unique<Discarder>();
    discarder_->run(socket_, std::move(done));
  }
  void close() override { close_socket(socket_); }
  std::unique_ptr<WebSocket> become_websocket(const Limits& limits) override {
    return plain_websocket(std::move(socket_), limits);
  }

 private:
  Socket socket_;
  std::unique_ptr<Discarder> discarder_;  ///< only at the end: 4 KiB
};

class TlsChannel final : public Channel {
 public:
  TlsChannel(Socket socket, std::shared_ptr<asio::ssl::context> context)
      : context_(std::move(context)), stream_(std::move(socket), *context_) {}

  void handshake(std::function<void(const ErrorCode&)> done) override {
    stream_.async_handshake(asio::ssl::stream_base::server, std::move(done));
  }
  void read_some(asio::mutable_buffer buffer, Done done) override { stream_.async_read_some(buffer, std::move(done)); }
  void write(const Buffers& buffers, Done done) override { asio::async_write(stream_, buffers, std::move(done)); }
  void cancel_read() override {
    ErrorCode ignored;
    stream_.next_layer().cancel(ignored);
  }
  void finish(std::function<void()> done) override {
    // Whatever comes of it (a client that goes on sending makes it fail): our close_notify is out.
    stream_.async_shutdown([this, done = std::move(done)](const ErrorCode&) mutable {
      shut_down_sending(stream_.next_layer());
      discarder_ = std::make_unique<Discarder>();
      discarder_->run(stream_.next_layer(), std::move(done));
    });
  }
  void close() override { close_socket(stream_.next_layer()); }
  std::unique_ptr<WebSocket> become_websocket(const Limits& limits) override {
    return tls_websocket(std::move(stream_), context_, limits);
  }

 private:
  std::shared_ptr<asio::ssl::context> context_;
  TlsStream stream_;
  std::unique_ptr<Discarder> discarder_;
};

}  // namespace

std::unique_ptr<Channel> plain_channel(Socket socket) { return std::make_unique<PlainChannel>(std::move(socket)); }

std::unique_ptr<Channel> tls_channel(Socket socket, std::shared_ptr<asio::ssl::context> context) {
  return std::make_unique<TlsChannel>(std::move(socket), std::move(context));
}

}  // namespace skink::coordinator::http
