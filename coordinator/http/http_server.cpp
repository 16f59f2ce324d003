#include "skink/coordinator/http/http_server.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <deque>
#include <mutex>
#include <thread>

#include "listener.hpp"
#include "skink/host/program/thread_priority.hpp"
#include "skink/host/program/threads.hpp"
#include "tls_context.hpp"

namespace skink::coordinator::http {
namespace {

namespace asio = boost::asio;

/// For closing WebSockets politely; well below the second that stop() promises.
constexpr std::chrono::milliseconds kGrace(300);
constexpr std::chrono::milliseconds kLook(5);

}  // namespace

/// Members stand in the order in which they may be destroyed, from last to first.
class Server::Running {
 public:
  Running(ServerOptions options, Router router)
      : state_(std::move(options), std::move(router)), check_(state_.io), work_(asio::make_work_guard(state_.io)) {}
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  ~Running() {
    stop();
    state_.mailbox->close();
  }

  Result<void> bind() {
    if (state_.options.tls) {
      auto context = load_tls(*state_.options.tls);
      if (!context) return context.error();
      tls_.context = std::move(*context);
    }
    if (const std::string& path = state_.options.unix_socket; !path.empty()) {
      auto acceptor = listen_unix(state_.io, path);
      if (!acceptor) return acceptor.error();
      listeners_.emplace_back(state_, std::move(*acceptor), PeerKind::kUnix, nullptr);
      unix_inode_ = unix_inode(path);
    }
    addresses_ = state_.options.tcp;
    for (TcpAddress& address : addresses_) {
      auto acceptor = listen_tcp(state_.io, address);
      if (!acceptor) return acceptor.error();
      const TlsSlot* tls = address.transport == Transport::kTls ? &tls_ : nullptr;
      listeners_.emplace_back(state_, std::move(*acceptor), PeerKind::kTcp, tls);
    }
    return {};
  }

  Result<void> start() {
    for (Listener& listener : listeners_) listener.start();
    start_threads(threads_, 1, [this](std::size_t) {
      give_way_to_other_threads();  // to those of the rounds
      state_.io.run();
    });
    if (!threads_.empty()) return {};
    return make_error(Status::kUnavailable, "the system refuses a thread for the HTTP server (ulimit -u?)");
  }

  void stop() {
    const std::lock_guard lock(stop_mutex_);
    if (is_stopped_) return;
    is_stopped_ = true;
    asio::post(state_.io, [this] { end_sessions(); });
    for (std::thread& thread : threads_) thread.join();
    remove_unix(state_.options.unix_socket, unix_inode_);
  }

  Result<void> reload() {
    if (!state_.options.tls) {
      return make_error(Status::kInvalidArgument, "this HTTP server has no TLS, so no certificate to read again");
    }
    auto context = load_tls(*state_.options.tls);
    if (!context) return context.error();
    state_.mailbox->post([this, context = std::move(*context)] { tls_.context = context; });
    return {};
  }

  const std::vector<TcpAddress>& addresses() const { return addresses_; }
  const ServerState& state() const { return state_; }

 private:
  void end_sessions() {
    state_.is_stopping = true;
    for (Listener& listener : listeners_) listener.close();
    std::vector<std::shared_ptr<Session>> sessions;
    for (Session* session : state_.sessions) sessions.push_back(session->shared_from_this());
    for (const auto& session : sessions) session->stop();
    work_.reset();
    wait_for_sessions(std::chrono::steady_clock::now() + kGrace);
  }

  void wait_for_sessions(std::chrono::steady_clock::time_point end) {
    if (state_.sessions.empty() || std::chrono::steady_clock::now() >= end) return state_.io.stop();
    check_.expires_after(kLook);
    check_.async_wait([this, end](const boost::system::error_code&) { wait_for_sessions(end); });
  }

  ServerState state_;
  TlsSlot tls_;
  std::deque<Listener> listeners_;
  asio::steady_timer check_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::vector<TcpAddress> addresses_;
  std::uint64_t unix_inode_ = 0;
  std::mutex stop_mutex_;  ///< guards the two below
  bool is_stopped_ = false;
  std::vector<std::thread> threads_;
};

Result<std::unique_ptr<Server>> Server::create(ServerOptions options, Router router) {
  if (const auto fine = check_options(options); !fine) return fine.error();
  auto running = std::make_unique<Running>(std::move(options), std::move(router));
  if (const auto bound = running->bind(); !bound) return bound.error();
  if (const auto started = running->start(); !started) return started.error();
  return std::unique_ptr<Server>(new Server(std::move(running)));
}

Server::Server(std::unique_ptr<Running> running) : running_(std::move(running)) {}
Server::~Server() = default;

void Server::stop() { running_->stop(); }
const std::vector<TcpAddress>& Server::tcp_addresses() const { return running_->addresses(); }
Result<void> Server::reload_certificate() { return running_->reload(); }

Statistics Server::statistics() const {
  const ServerState& state = running_->state();
  return {.connections = state.connections,
          .streams = state.streams,
          .requests = state.requests,
          .refused_connections = state.refused_connections,
          .displaced_connections = state.displaced_connections,
          .paced_requests = state.paced_requests,
          .lagged_streams = state.lagged_streams};
}

}  // namespace skink::coordinator::http
