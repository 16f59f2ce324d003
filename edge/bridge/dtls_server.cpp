#include "skink/edge/bridge/dtls_server.hpp"

#include <fcntl.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_cookie.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <utility>
#include <vector>

namespace skink::edge {
namespace {

constexpr std::size_t kDatagramsAtOnce = 256;
constexpr std::size_t kLargestDatagram = 2048;
constexpr std::uint32_t kFirstRepetitionMs = 400;
constexpr std::uint32_t kLongestRepetitionMs = 8000;
// docs/datagram.md, section 6.
constexpr int kSuites[] = {MBEDTLS_TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256, MBEDTLS_TLS_PSK_WITH_AES_128_GCM_SHA256,
                           MBEDTLS_TLS_PSK_WITH_AES_128_CCM_8, 0};

/// Where a datagram came from.
struct Origin {
  sockaddr_storage address{};
  socklen_t size = 0;

  std::string key() const { return {reinterpret_cast<const char*>(&address), size}; }
};

}  // namespace

/// What mbedTLS does not do by itself for one peer.
struct DtlsServer::Self {
  struct Association {
    Self* server = nullptr;
    std::uint64_t number = 0;
    Origin origin;
    mbedtls_ssl_context ssl{};
    bool is_open = false;
    std::string identity;
    Bytes pending;  ///< the datagram that is read now
    std::uint64_t give_up_ms = 0;
    std::uint64_t middle_ms = 0;  ///< mbedTLS's timer; 0: none
    std::uint64_t final_ms = 0;
    double tokens = 0;  ///< datagrams that it may send now
    std::uint64_t tokens_ms = 0;

    Association() { mbedtls_ssl_init(&ssl); }
    ~Association() { mbedtls_ssl_free(&ssl); }
    Association(const Association&) = delete;
    Association& operator=(const Association&) = delete;
  };

  Self(const DtlsLimits& given, FindKey find, Handler handle)
      : limits(given), find_key(std::move(find)), handler(std::move(handle)) {
    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&random);
    mbedtls_ssl_cookie_init(&cookies);
    mbedtls_ssl_config_init(&config);
  }
  ~Self() {
    door.reset();
    associations.clear();
    mbedtls_ssl_config_free(&config);
    mbedtls_ssl_cookie_free(&cookies);
    mbedtls_ctr_drbg_free(&random);
    mbedtls_entropy_free(&entropy);
    if (socket >= 0) (void)::close(socket);
  }
  Self(const Self&) = delete;
  Self& operator=(const Self&) = delete;

  Result<void> bind_socket(const NetworkAddress& listen);
  int configure();
  std::unique_ptr<Association> make_association();
  void take(const Origin& origin, Bytes datagram);
  void take_stranger(const Origin& origin, Bytes datagram);
  void take_known(Association& association, Bytes datagram);
  bool may_send(Association& association) const;
  void shake_hands(Association& association);
  void read(Association& association);
  void drop(std::uint64_t number);
  Association* find(std::uint64_t number);

  DtlsLimits limits;
  FindKey find_key;
  Handler handler;
  int socket = -1;
  std::uint16_t port = 0;
  std::uint64_t now_ms = 0;
  std::uint64_t last_number = 0;
  std::string named;  ///< the identity of the handshake that goes on now
  std::size_t shaking = 0;
  DtlsCounters counters;
  mbedtls_entropy_context entropy{};
  mbedtls_ctr_drbg_context random{};
  mbedtls_ssl_cookie_ctx cookies{};
  mbedtls_ssl_config config{};
  std::unique_ptr<Association> door;                                 ///< for whoever has not answered a cookie
  std::map<std::string, std::unique_ptr<Association>> associations;  ///< by origin
  std::map<std::uint64_t, Association*> by_number;
};

// ---- what mbedTLS asks for ------------------------------------------------------------------------------------------

/// Functions of C, each with an Association or the server as its context.
struct DtlsServer::Callbacks {
  static int send(void* context, const unsigned char* bytes, std::size_t count) {
    const auto& peer = *static_cast<Self::Association*>(context);
    const auto sent = ::sendto(peer.server->socket, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT,
                               reinterpret_cast<const sockaddr*>(&peer.origin.address), peer.origin.size);
    return sent >= 0 ? static_cast<int>(sent) : static_cast<int>(count);  // a full socket loses it, as the network may
  }
  static int receive(void* context, unsigned char* out, std::size_t count) {
    auto& peer = *static_cast<Self::Association*>(context);
    if (peer.pending.empty()) return MBEDTLS_ERR_SSL_WANT_READ;
    const std::size_t size = std::min(count, peer.pending.size());
    std::memcpy(out, peer.pending.data(), size);
    peer.pending = {};
    return static_cast<int>(size);
  }
  static void set_timer(void* context, std::uint32_t middle_ms, std::uint32_t final_ms) {
    auto& peer = *static_cast<Self::Association*>(context);
    peer.middle_ms = final_ms == 0 ? 0 : peer.server->now_ms + middle_ms;
    peer.final_ms = final_ms == 0 ? 0 : peer.server->now_ms + final_ms;
  }
  static int get_timer(void* context) {
    const auto& peer = *static_cast<const Self::Association*>(context);
    if (peer.final_ms == 0) return -1;
    if (peer.server->now_ms >= peer.final_ms) return 2;
    return peer.server->now_ms >= peer.middle_ms ? 1 : 0;
  }
  static int find_key(void* context, mbedtls_ssl_context* ssl, const unsigned char* name, std::size_t size) {
    auto& server = *static_cast<Self*>(context);
    std::string identity(reinterpret_cast<const char*>(name), size);
    const std::optional<crypto::Digest> key = server.find_key(identity);
    if (!key) return MBEDTLS_ERR_SSL_UNKNOWN_IDENTITY;
    server.named = std::move(identity);
    return mbedtls_ssl_set_hs_psk(ssl, key->bytes, sizeof key->bytes);
  }
};

// ---- the socket -----------------------------------------------------------------------------------------------------

Result<void> DtlsServer::Self::bind_socket(const NetworkAddress& listen) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const std::string name = listen.host + ":" + std::to_string(listen.port);
  if (getaddrinfo(listen.host.c_str(), std::to_string(listen.port).c_str(), &hints, &found) != 0 || found == nullptr) {
    return make_error(Status::kUnavailable, name + ": no such address");
  }
  socket = ::socket(found->ai_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const bool is_bound = socket >= 0 && ::bind(socket, found->ai_addr, found->ai_addrlen) == 0;
  const int failure = errno;
  freeaddrinfo(found);
  if (!is_bound) return make_error(Status::kUnavailable, name + ": cannot be bound: " + std::strerror(failure));
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&bound), &size) != 0) return {};
  port = ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(bound).sin6_port
                                           : reinterpret_cast<const sockaddr_in&>(bound).sin_port);
  return {};
}

int DtlsServer::Self::configure() {
  int result = mbedtls_ctr_drbg_seed(&random, mbedtls_entropy_func, &entropy, nullptr, 0);
  if (result == 0) {
    result = mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_DATAGRAM,
                                         MBEDTLS_SSL_PRESET_DEFAULT);
  }
  if (result == 0) result = mbedtls_ssl_cookie_setup(&cookies, mbedtls_ctr_drbg_random, &random);
  if (result != 0) return result;
  mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, &random);
  mbedtls_ssl_conf_ciphersuites(&config, kSuites);
  mbedtls_ssl_conf_min_version(&config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);  // DTLS 1.2
  mbedtls_ssl_conf_max_version(&config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
  mbedtls_ssl_conf_dtls_cookies(&config, mbedtls_ssl_cookie_write, mbedtls_ssl_cookie_check, &cookies);
  mbedtls_ssl_conf_psk_cb(&config, &Callbacks::find_key, this);
  mbedtls_ssl_conf_handshake_timeout(&config, kFirstRepetitionMs, kLongestRepetitionMs);
  mbedtls_ssl_conf_renegotiation(&config, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
  door = make_association();
  return door != nullptr ? 0 : MBEDTLS_ERR_SSL_ALLOC_FAILED;
}

std::unique_ptr<DtlsServer::Self::Association> DtlsServer::Self::make_association() {
  auto made = std::make_unique<Association>();
  made->server = this;
  if (mbedtls_ssl_setup(&made->ssl, &config) != 0) return nullptr;
  mbedtls_ssl_set_bio(&made->ssl, made.get(), &Callbacks::send, &Callbacks::receive, nullptr);
  mbedtls_ssl_set_timer_cb(&made->ssl, made.get(), &Callbacks::set_timer, &Callbacks::get_timer);
  return made;
}

// ---- what comes -----------------------------------------------------------------------------------------------------

void DtlsServer::Self::take(const Origin& origin, Bytes datagram) {
  const auto known = associations.find(origin.key());
  if (known != associations.end()) {
    take_known(*known->second, datagram);
  } else {
    take_stranger(origin, datagram);
  }
}

/// A stranger gets a cookie and leaves nothing behind; with the cookie it becomes a peer.
void DtlsServer::Self::take_stranger(const Origin& origin, Bytes datagram) {
  if (associations.size() >= limits.peers || shaking >= limits.handshakes || door == nullptr) {
    ++counters.turned_away;
    if (door == nullptr) door = make_association();
    return;
  }
  door->origin = origin;
  door->pending = datagram;
  const std::string key = origin.key();
  int result =
      mbedtls_ssl_set_client_transport_id(&door->ssl, reinterpret_cast<const unsigned char*>(key.data()), key.size());
  if (result == 0) result = mbedtls_ssl_handshake(&door->ssl);
  door->pending = {};
  if (result != MBEDTLS_ERR_SSL_WANT_READ || door->ssl.state <= MBEDTLS_SSL_CLIENT_HELLO) {
    if (mbedtls_ssl_session_reset(&door->ssl) != 0) door = make_association();
    return;
  }
  std::unique_ptr<Association> peer = std::exchange(door, make_association());
  peer->number = ++last_number;
  peer->give_up_ms = now_ms + limits.handshake_ms;
  peer->tokens = limits.burst;
  peer->tokens_ms = now_ms;
  ++shaking;
  by_number[peer->number] = peer.get();
  associations[key] = std::move(peer);
}

bool DtlsServer::Self::may_send(Association& peer) const {
  const double seconds = static_cast<double>(now_ms - peer.tokens_ms) / 1000;
  peer.tokens = std::min(limits.burst, peer.tokens + seconds * limits.datagrams_per_second);
  peer.tokens_ms = now_ms;
  if (peer.tokens < 1) return false;
  peer.tokens -= 1;
  return true;
}

void DtlsServer::Self::take_known(Association& peer, Bytes datagram) {
  if (!may_send(peer)) {
    ++counters.flooded;
    return;
  }
  peer.pending = datagram;
  const std::uint64_t number = peer.number;
  if (!peer.is_open) shake_hands(peer);
  Association* still = find(number);
  if (still != nullptr && still->is_open) read(*still);
  still = find(number);
  if (still != nullptr) still->pending = {};
}

void DtlsServer::Self::shake_hands(Association& peer) {
  named.clear();
  const int result = mbedtls_ssl_handshake(&peer.ssl);
  if (!named.empty()) peer.identity = std::move(named);
  if (result == MBEDTLS_ERR_SSL_WANT_READ || result == MBEDTLS_ERR_SSL_WANT_WRITE) return;
  if (result != 0) {
    ++counters.handshakes_failed;
    drop(peer.number);
    return;
  }
  peer.is_open = true;
  --shaking;
  handler.opened(peer.number, peer.identity);
}

void DtlsServer::Self::read(Association& peer) {
  const std::uint64_t number = peer.number;
  std::uint8_t bytes[kLargestDatagram];
  for (int records = 0; records < 16; ++records) {  // in one datagram
    const int result = mbedtls_ssl_read(&peer.ssl, bytes, sizeof bytes);
    if (result > 0) {
      handler.received(number, {bytes, static_cast<std::size_t>(result)});
      if (find(number) == nullptr) return;
      continue;
    }
    if (result == MBEDTLS_ERR_SSL_WANT_READ || result == MBEDTLS_ERR_SSL_WANT_WRITE) return;
    // The peer says goodbye, or begins anew from the same port, which it has proved with a cookie: it may come again.
    drop(number);
    handler.closed(number);
    return;
  }
}

DtlsServer::Self::Association* DtlsServer::Self::find(std::uint64_t number) {
  const auto found = by_number.find(number);
  return found == by_number.end() ? nullptr : found->second;
}

void DtlsServer::Self::drop(std::uint64_t number) {
  const auto found = by_number.find(number);
  if (found == by_number.end()) return;
  if (!found->second->is_open) --shaking;
  const std::string key = found->second->origin.key();
  by_number.erase(found);
  associations.erase(key);
}

// ---- the surface ----------------------------------------------------------------------------------------------------

DtlsServer::DtlsServer(std::unique_ptr<Self> self) : self_(std::move(self)) {}
DtlsServer::~DtlsServer() = default;

Result<std::unique_ptr<DtlsServer>> DtlsServer::open(const NetworkAddress& listen, const DtlsLimits& limits,
                                                     FindKey find_key, Handler handler) {
  auto self = std::make_unique<Self>(limits, std::move(find_key), std::move(handler));
  if (const Result<void> bound = self->bind_socket(listen); !bound) return bound.error();
  if (self->configure() != 0) return make_error(Status::kUnsupported, "DTLS cannot be set up: no entropy or memory");
  return std::unique_ptr<DtlsServer>(new DtlsServer(std::move(self)));
}

int DtlsServer::descriptor() const { return self_->socket; }
std::uint16_t DtlsServer::port() const { return self_->port; }
std::size_t DtlsServer::peers() const { return self_->associations.size(); }
const DtlsCounters& DtlsServer::counters() const { return self_->counters; }

bool DtlsServer::receive(std::uint64_t now_ms) {
  self_->now_ms = now_ms;
  std::uint8_t bytes[kLargestDatagram];
  for (std::size_t taken = 0; taken < kDatagramsAtOnce; ++taken) {
    Origin origin;
    origin.size = sizeof origin.address;
    const auto got = ::recvfrom(self_->socket, bytes, sizeof bytes, MSG_DONTWAIT | MSG_TRUNC,
                                reinterpret_cast<sockaddr*>(&origin.address), &origin.size);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
    if (got <= 0 || static_cast<std::size_t>(got) > sizeof bytes) continue;
    self_->take(origin, {bytes, static_cast<std::size_t>(got)});
  }
  return true;
}

void DtlsServer::send(std::uint64_t peer, Bytes datagram) {
  Self::Association* found = self_->find(peer);
  if (found == nullptr || !found->is_open) return;
  (void)mbedtls_ssl_write(&found->ssl, datagram.data(), datagram.size());  // what fails is lost
}

void DtlsServer::close(std::uint64_t peer) {
  Self::Association* found = self_->find(peer);
  if (found == nullptr) return;
  if (found->is_open) (void)mbedtls_ssl_close_notify(&found->ssl);
  self_->drop(peer);
}

void DtlsServer::on_time(std::uint64_t now_ms) {
  self_->now_ms = now_ms;
  std::vector<std::uint64_t> due;
  for (const auto& [number, peer] : self_->by_number) {
    const bool repeats = peer->final_ms != 0 && now_ms >= peer->final_ms;
    if (!peer->is_open && (repeats || now_ms >= peer->give_up_ms)) due.push_back(number);
  }
  for (const std::uint64_t number : due) {
    Self::Association& peer = *self_->find(number);
    if (now_ms >= peer.give_up_ms) {
      ++self_->counters.handshakes_failed;
      self_->drop(number);
    } else {
      self_->shake_hands(peer);
    }
  }
}

}  // namespace skink::edge
