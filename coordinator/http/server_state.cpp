#include "server_state.hpp"

#include <algorithm>
#include <vector>

namespace skink::coordinator::http {

Session::Session(ServerState& state, Ticket place) : state_(state), place_(std::move(place)) {
  state_.sessions.insert(this);
}

Session::~Session() { state_.sessions.erase(this); }

ServerState::ServerState(ServerOptions server_options, Router server_router)
    : options(std::move(server_options)),
      router(std::move(server_router)),
      gate(options, router),
      pace(limits),
      mailbox(std::make_shared<Mailbox>(io)) {}

std::optional<Ticket> ServerState::admit_connection(const Remote& remote) {
  const bool is_tcp = remote.peer.kind == PeerKind::kTcp;
  const auto found = peers_.find(remote.key);
  const std::size_t of_peer = found == peers_.end() ? 0 : found->second;
  if (of_peer >= limits.connections_per_peer ||
      (is_tcp && tcp_connections_ >= limits.connections && !displace_for(of_peer))) {
    ++refused_connections;
    return std::nullopt;
  }
  ++peers_[remote.key];
  if (is_tcp) ++tcp_connections_;
  ++connections;
  return Ticket([this, key = remote.key, is_tcp] {
    if (--peers_[key] == 0) peers_.erase(key);
    if (is_tcp) --tcp_connections_;
    --connections;
  });
}

// Without this, a few addresses that each open as many connections as they may would shut all others out.
bool ServerState::displace_for(std::size_t count) {
  Session* longest = nullptr;
  std::size_t most = count + 1;
  Session::Clock::time_point since;
  for (Session* session : sessions) {
    const auto waiting = session->waiting();
    if (!waiting || waiting->remote.peer.kind != PeerKind::kTcp) continue;
    const std::size_t of_peer = peers_.at(waiting->remote.key);
    if (of_peer < most || (of_peer == most && (longest == nullptr || waiting->since >= since))) continue;
    longest = session;
    most = of_peer;
    since = waiting->since;
  }
  if (longest == nullptr) return false;
  ++displaced_connections;
  longest->shared_from_this()->stop();
  return true;
}

std::optional<Ticket> ServerState::admit_body(std::uint64_t bytes) {
  if (bytes > limits.bodies_bytes - std::min<std::uint64_t>(bodies_bytes_, limits.bodies_bytes)) return std::nullopt;
  bodies_bytes_ += bytes;
  return Ticket([this, bytes] { bodies_bytes_ -= bytes; });
}

std::optional<Ticket> ServerState::admit_stream() {
  if (streams >= limits.streams) return std::nullopt;
  ++streams;
  return Ticket([this] { --streams; });
}

Ticket ServerState::watch(EventHub& hub, Session& session) {
  Watch& watch = watches_[&hub];
  if (watch.sessions.empty()) {
    // One message wakes all streams, and a burst of events sends one.
    watch.subscription = hub.subscribe([this, &hub, mail = mailbox, is_posted = watch.is_posted] {
      if (!is_posted->exchange(true)) mail->post([this, &hub] { wake(&hub); });
    });
  }
  watch.sessions.insert(&session);
  return Ticket([this, &hub, &session] {
    const auto found = watches_.find(&hub);
    found->second.sessions.erase(&session);
    if (found->second.sessions.empty()) watches_.erase(found);
  });
}

void ServerState::wake(EventHub* hub) {
  const auto found = watches_.find(hub);
  if (found == watches_.end()) return;
  found->second.is_posted->store(false);  // before the streams read: what comes later wakes them again
  std::vector<std::shared_ptr<Session>> woken;
  for (Session* session : found->second.sessions) woken.push_back(session->shared_from_this());
  for (const auto& session : woken) session->wake();
}

}  // namespace skink::coordinator::http
