#include "listener.hpp"

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <cstring>
#include <utility>

#include "http_connection.hpp"
#include "skink/coordinator/http/problem.hpp"

namespace skink::coordinator::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::chrono::milliseconds kPause(100);  // after a failure to accept: no descriptors, no memory

/// Tells a client that there are too many, and closes. A session without a place; so few at a time, or they would be
/// too many themselves.
class Rejection final : public Session {
 public:
  Rejection(ServerState& state, Ticket place, std::unique_ptr<Channel> channel)
      : Session(state, std::move(place)), channel_(std::move(channel)), timer_(state.io) {}

  void begin() {
    Response response = problem(503, "too-many-connections", "there are too many connections; try again");
    response.headers.emplace_back("Retry-After", "2");
    text_ = response_head(response, response.body.bytes().size(), After::kClose);
    text_ += response.body.bytes();
    timer_.expires_after(state_.limits.linger_time);
    timer_.async_wait([this, me = shared_from_this()](const ErrorCode& code) {
      if (!code) stop();
    });
    channel_->write({asio::buffer(text_), {}}, [this, me = shared_from_this()](const ErrorCode& code, std::size_t) {
      if (code) return stop();
      channel_->finish([this, me] { stop(); });
    });
  }

  void stop() override {
    timer_.cancel();
    channel_->close();
  }

 private:
  std::unique_ptr<Channel> channel_;
  asio::steady_timer timer_;
  std::string text_;
};

constexpr std::size_t kMostRejections = 64;

// In units of Limits::pace_burst; a handshake of TLS costs a few hundred times what a small answer does.
constexpr double kPlainConnectionCost = 1, kTlsConnectionCost = 5;

/// A generic socket's address as one of TCP.
tcp::endpoint tcp_endpoint(const asio::generic::stream_protocol::endpoint& generic) {
  tcp::endpoint endpoint;
  if (generic.size() <= endpoint.capacity()) {
    std::memcpy(endpoint.data(), generic.data(), generic.size());
    endpoint.resize(generic.size());
  }
  return endpoint;
}

Remote remote_of(const Socket& socket, PeerKind kind) {
  if (kind == PeerKind::kUnix) return {{kind, "unix"}, "unix", true};
  ErrorCode code;
  const asio::ip::address address = tcp_endpoint(socket.remote_endpoint(code)).address();
  Remote remote{{kind, address.to_string()}, address.to_string(), false};
  remote.is_loopback = tcp_endpoint(socket.local_endpoint(code)).address().is_loopback();
  if (address.is_v6() && !address.is_loopback()) {  // who has one address of a /64 has them all
    auto bytes = address.to_v6().to_bytes();
    std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
    remote.key = asio::ip::address_v6(bytes).to_string() + "/64";
  }
  return remote;
}

}  // namespace

Result<bool> is_loopback(const std::string& address) {
  ErrorCode code;
  const auto parsed = asio::ip::make_address(address, code);
  if (!code) return parsed.is_loopback();
  return make_error(Status::kInvalidArgument,
                    "'" + address + "' is no address to listen on: write one like 127.0.0.1 or ::1, no name",
                    Cause::kConfiguration);
}

Result<Acceptor> listen_tcp(asio::io_context& io, TcpAddress& address) {
  ErrorCode code;
  const auto parsed = asio::ip::make_address(address.address, code);
  const tcp::endpoint endpoint(parsed, address.port);
  Acceptor acceptor(io);
  if (!code) acceptor.open(endpoint.protocol(), code);
  if (!code) acceptor.set_option(asio::socket_base::reuse_address(true), code);
  if (!code && parsed.is_v6()) acceptor.set_option(asio::ip::v6_only(true), code);
  if (!code) acceptor.bind(endpoint, code);
  if (!code) acceptor.listen(asio::socket_base::max_listen_connections, code);
  if (!code) address.port = tcp_endpoint(acceptor.local_endpoint(code)).port();
  if (!code) return acceptor;
  return make_error(Status::kUnavailable,
                    "cannot listen on " + address.address + ", port " + std::to_string(address.port) + ": " +
                        code.message() + "; choose another address or port",
                    Cause::kConfiguration);
}

Listener::Listener(ServerState& state, Acceptor acceptor, PeerKind kind, const TlsSlot* tls)
    : state_(state), acceptor_(std::move(acceptor)), kind_(kind), tls_(tls), pause_(state.io) {}

void Listener::start() {
  acceptor_.async_accept([this](const ErrorCode& code, Socket socket) {
    if (state_.is_stopping) return;
    if (!code) {
      admit(std::move(socket));
      return start();
    }
    pause_.expires_after(kPause);
    pause_.async_wait([this](const ErrorCode& cancelled) {
      if (!cancelled) start();
    });
  });
}

void Listener::close() {
  ErrorCode ignored;
  acceptor_.close(ignored);
  pause_.cancel();
}

void Listener::admit(Socket socket) {
  ErrorCode ignored;
  const Remote remote = remote_of(socket, kind_);
  socket.set_option(asio::socket_base::send_buffer_size(static_cast<int>(state_.limits.send_buffer_bytes)), ignored);
  if (kind_ == PeerKind::kTcp) socket.set_option(tcp::no_delay(true), ignored);
  if (auto place = state_.admit_connection(remote)) {
    auto channel = tls_ == nullptr ? plain_channel(std::move(socket)) : tls_channel(std::move(socket), tls_->context);
    const auto wait = state_.pace.charge(remote.key, tls_ == nullptr ? kPlainConnectionCost : kTlsConnectionCost,
                                         std::chrono::steady_clock::now());
    std::make_shared<Connection>(state_, std::move(*place), std::move(channel), remote)->start(wait);
    return;
  }
  if (tls_ != nullptr || state_.rejections >= kMostRejections ||
      !state_.pace.try_charge(remote.key, std::chrono::steady_clock::now())) {
    return;  // closed without a word
  }
  ++state_.rejections;
  Ticket ticket([&state = state_] { --state.rejections; });
  std::make_shared<Rejection>(state_, std::move(ticket), plain_channel(std::move(socket)))->begin();
}

}  // namespace skink::coordinator::http
