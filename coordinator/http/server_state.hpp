#pragma once
/// @file
/// What all connections of a server share. Everything on the server's thread, but for the mailbox and the counters.

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "gate.hpp"
#include "mailbox.hpp"
#include "pace.hpp"
#include "skink/coordinator/http/http_server.hpp"

namespace skink::coordinator::http {

/// A share of something limited, given back when it is destroyed.
class Ticket {
 public:
  Ticket() = default;
  explicit Ticket(std::function<void()> give_back) : give_back_(std::move(give_back)) {}
  Ticket(Ticket&& other) noexcept : give_back_(std::exchange(other.give_back_, nullptr)) {}
  Ticket& operator=(Ticket&& other) noexcept {
    std::swap(give_back_, other.give_back_);
    return *this;
  }
  ~Ticket() {
    if (give_back_) give_back_();
  }

 private:
  std::function<void()> give_back_;
};

struct ServerState;

/// A connection, or a stream that was one. Lives as long as its handlers do.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(ServerState& state, Ticket place);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  virtual ~Session();

  /// The server stops: end soon, and politely where that is quick.
  virtual void stop() = 0;
  /// A stream's hub has new events.
  virtual void wake() {}

  using Clock = std::chrono::steady_clock;
  struct Waiting {
    const Remote& remote;
    Clock::time_point since;
  };
  /// Set while it holds a place without a request: stop() then gives the place back at once.
  virtual std::optional<Waiting> waiting() const { return std::nullopt; }

 protected:
  Ticket take_place() { return std::move(place_); }
  ServerState& state_;

 private:
  Ticket place_;  ///< among the connections
};

struct ServerState {
  ServerState(ServerOptions server_options, Router server_router);

  /// A place for a connection, if need be that of another peer's; nullopt: there are too many, of this peer or of all.
  std::optional<Ticket> admit_connection(const Remote& remote);
  /// Memory for a body, until the answer.
  std::optional<Ticket> admit_body(std::uint64_t bytes);
  std::optional<Ticket> admit_stream();
  /// Has `session` woken by new events of `hub` while the ticket lives.
  Ticket watch(EventHub& hub, Session& session);

  const ServerOptions options;
  const Limits& limits = options.limits;
  const Router router;
  Gate gate;
  Pace pace;
  std::shared_ptr<Mailbox> mailbox;
  std::set<Session*> sessions;
  bool is_stopping = false;
  std::size_t rejections = 0;  ///< being told that there are too many

  std::atomic<std::size_t> connections{0}, streams{0};
  std::atomic<std::uint64_t> requests{0}, refused_connections{0}, displaced_connections{0}, paced_requests{0},
      lagged_streams{0};

 private:
  struct Watch {
    std::set<Session*> sessions;
    std::shared_ptr<std::atomic<bool>> is_posted = std::make_shared<std::atomic<bool>>(false);
    EventHub::Subscription subscription;
  };
  void wake(EventHub* hub);
  /// Takes a place from the peer that has most of them, for one that has `count`; false: none is to be had.
  bool displace_for(std::size_t count);

  std::map<std::string, std::size_t> peers_;  ///< connections by Remote::key
  std::size_t tcp_connections_ = 0;
  std::uint64_t bodies_bytes_ = 0;
  std::map<EventHub*, Watch> watches_;

 public:
  /// Last, so destroyed first: its handlers own the sessions, which use everything above.
  boost::asio::io_context io{1};
};

}  // namespace skink::coordinator::http
