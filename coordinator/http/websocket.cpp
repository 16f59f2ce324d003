#include "websocket.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <utility>

#include "response_head.hpp"

namespace skink::coordinator::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;

template <class Stream>
class BeastWebSocket final : public WebSocket {
 public:
  BeastWebSocket(Stream stream, std::shared_ptr<void> context, const Limits& limits)
      : context_(std::move(context)), stream_(std::move(stream)) {
    beast::websocket::stream_base::timeout times{};
    times.handshake_timeout = limits.linger_time;  // of a close; an upgrade only writes its answer
    times.idle_timeout = 2 * limits.heartbeat_time;
    times.keep_alive_pings = true;  // at half of the idle time
    stream_.set_option(times);
    stream_.read_message_max(limits.websocket_message_bytes);
    stream_.set_option(beast::websocket::stream_base::decorator([](beast::websocket::response_type& response) {
      for_each_security_header([&](const char* name, const char* value) { response.set(name, value); });
    }));
  }

  void accept(const std::string& key, Done done) override {
    // The request was read and checked; what Beast needs of it is the key.
    upgrade_.method(beast::http::verb::get);
    upgrade_.target("/");
    upgrade_.version(11);
    upgrade_.set(beast::http::field::host, "-");
    upgrade_.set(beast::http::field::connection, "upgrade");
    upgrade_.set(beast::http::field::upgrade, "websocket");
    upgrade_.set(beast::http::field::sec_websocket_version, "13");
    upgrade_.set(beast::http::field::sec_websocket_key, key);
    stream_.async_accept(upgrade_, std::move(done));
  }

  void read_until_end(std::function<void()> closing, std::function<void()> ended) override {
    stream_.control_callback([closing = std::move(closing)](beast::websocket::frame_type kind, auto) {
      if (kind == beast::websocket::frame_type::close) closing();
    });
    read(std::move(ended));
  }

  void write(const std::string& text, Done done) override {
    stream_.text(true);
    stream_.async_write(asio::buffer(text),
                        [done = std::move(done)](const ErrorCode& code, std::size_t) { done(code); });
  }

  void close(std::uint16_t code, const std::string& reason, Done done) override {
    stream_.async_close(beast::websocket::close_reason(static_cast<beast::websocket::close_code>(code), reason.c_str()),
                        std::move(done));
  }

  void abort() override {
    ErrorCode ignored;
    beast::get_lowest_layer(stream_).close(ignored);
  }

 private:
  using ErrorCode = boost::system::error_code;

  /// The handler owns `ended`, and by it the owner of this: as long as something is read.
  void read(std::function<void()> ended) {
    stream_.async_read(input_, [this, ended = std::move(ended)](const ErrorCode& code, std::size_t) mutable {
      if (code) return ended();
      input_.clear();
      read(std::move(ended));
    });
  }

  std::shared_ptr<void> context_;
  beast::websocket::stream<Stream> stream_;
  beast::http::request<beast::http::empty_body> upgrade_;
  beast::flat_buffer input_;
};

}  // namespace

std::unique_ptr<WebSocket> plain_websocket(PlainStream stream, const Limits& limits) {
  return std::make_unique<BeastWebSocket<PlainStream>>(std::move(stream), nullptr, limits);
}

std::unique_ptr<WebSocket> tls_websocket(TlsStream stream, std::shared_ptr<void> context, const Limits& limits) {
  return std::make_unique<BeastWebSocket<TlsStream>>(std::move(stream), std::move(context), limits);
}

}  // namespace skink::coordinator::http
