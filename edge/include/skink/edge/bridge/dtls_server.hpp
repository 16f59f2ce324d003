#pragma once
/// @file
/// DTLS 1.2 with pre-shared keys on one UDP socket, for any number of peers (mbedTLS 2.28). Who has not answered a
/// cookie costs no memory; handshakes that do not end are dropped; peers are bounded in number and in datagrams a
/// second. docs/datagram.md, section 6. Knows nothing of what the datagrams say.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "skink/common/crypto/crypto.hpp"
#include "skink/common/span.hpp"
#include "skink/host/config/network_address.hpp"
#include "skink/host/result.hpp"

namespace skink::edge {

/// Bounds of a DtlsServer.
struct DtlsLimits {
  std::size_t peers = 256;              ///< with a session, or in a handshake; each has some 40 KB
  std::size_t handshakes = 64;          ///< of these, that are under way
  std::uint32_t handshake_ms = 60'000;  ///< for one
  double datagrams_per_second = 1000;   ///< of one peer, on average; more are dropped
  double burst = 2000;                  ///< of one peer, at once
};

/// What was dropped since the start.
struct DtlsCounters {
  std::uint64_t handshakes_failed = 0;  ///< a wrong key, an unknown identity, no end
  std::uint64_t turned_away = 0;        ///< datagrams of strangers while there was no room
  std::uint64_t flooded = 0;            ///< datagrams above a peer's rate
};

/// The server. One thread. `now_ms` is any monotonic clock. Peers have numbers that never come again.
class DtlsServer {
 public:
  /// The pre-shared key of an identity; none: there is no such peer. Called within receive().
  using FindKey = std::function<std::optional<crypto::Digest>(const std::string& identity)>;
  /// What happens to peers, called within receive() and on_time(); may call send() and close().
  struct Handler {
    std::function<void(std::uint64_t peer, const std::string& identity)> opened;  ///< it has proved to know the key
    std::function<void(std::uint64_t peer, Bytes datagram)> received;             ///< borrowed for the call
    std::function<void(std::uint64_t peer)> closed;  ///< by the peer; not called after close()
  };

  /// Binds the socket. @returns kUnavailable: the address cannot be used; kUnsupported: DTLS cannot be set up.
  static Result<std::unique_ptr<DtlsServer>> open(const NetworkAddress& listen, const DtlsLimits& limits,
                                                  FindKey find_key, Handler handler);
  ~DtlsServer();
  DtlsServer(const DtlsServer&) = delete;
  DtlsServer& operator=(const DtlsServer&) = delete;

  /// To wait on for input; owned by the server.
  int descriptor() const;
  /// The port that was bound, which the system chooses for port 0.
  std::uint16_t port() const;

  /// Takes what the socket has, a bounded number of datagrams. @returns whether there may be more.
  bool receive(std::uint64_t now_ms);
  /// Sends one datagram; the network may lose it, and so may this. Nothing for a peer that is gone.
  void send(std::uint64_t peer, Bytes datagram);
  /// Ends the peer's session and forgets it. Harmless for one that is gone.
  void close(std::uint64_t peer);
  /// Repeats handshakes, and drops those that do not end; call about ten times a second.
  void on_time(std::uint64_t now_ms);

  std::size_t peers() const;             ///< with a session, or in a handshake
  const DtlsCounters& counters() const;  ///< since the start

 private:
  struct Self;
  struct Callbacks;
  explicit DtlsServer(std::unique_ptr<Self> self);
  std::unique_ptr<Self> self_;
};

}  // namespace skink::edge
