#include "skink/firmware/posix/device_link.h"

#include <errno.h>
#include <fcntl.h>
#include <mbedtls/net_sockets.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "skink/common/arithmetic/philox.hpp"
#include "skink/firmware/posix/platform.h"
#include "skink/firmware/tls/mbedtls_keys.hpp"

namespace {

constexpr uint32_t kFirstWaitMs = 1000;
constexpr uint32_t kLongestWaitMs = 60000;
constexpr uint64_t kLastingMs = 60000;  ///< a session that ends sooner counts as a failure
constexpr uint64_t kAnswerMs = 30000;   ///< for TCP and TLS together
constexpr size_t kReadBytes = 512;
constexpr int kLongestSleepMs = 60000;

skink::Bytes view(const skink_bytes& bytes) noexcept { return {bytes.data, bytes.count}; }

skink::firmware::MbedtlsRandom random_of(skink_link& link) noexcept {
  return {&skink_mbedtls_random_draw, &link.random};
}

int draw_entropy(void* /*context*/, unsigned char* out, size_t count) {
  return skink_posix_entropy(out, count) == SKINK_OK ? 0 : -1;
}

void tell(const skink_link& link, const char* text, int code) noexcept {
  if (link.log != nullptr) link.log(link.log_context, text, code);
}

// ---- the socket

int send_bytes(void* context, const unsigned char* bytes, size_t count) {
  const ssize_t sent = send(static_cast<skink_link*>(context)->socket, bytes, count, MSG_NOSIGNAL);
  if (sent >= 0) return static_cast<int>(sent);
  return errno == EAGAIN || errno == EINTR ? MBEDTLS_ERR_SSL_WANT_WRITE : MBEDTLS_ERR_NET_CONN_RESET;
}

int receive_bytes(void* context, unsigned char* out, size_t count) {
  const ssize_t got = recv(static_cast<skink_link*>(context)->socket, out, count, 0);
  if (got >= 0) return static_cast<int>(got);
  return errno == EAGAIN || errno == EINTR ? MBEDTLS_ERR_SSL_WANT_READ : MBEDTLS_ERR_NET_CONN_RESET;
}

/// A socket that begins to connect, or -1 with errno.
int begin_to_connect(const addrinfo& address) noexcept {
  const int made = socket(address.ai_family, address.ai_socktype, address.ai_protocol);
  if (made < 0) return -1;
  const int one = 1;
  (void)setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  const int flags = fcntl(made, F_GETFL, 0);
  const bool is_ready = flags >= 0 && fcntl(made, F_SETFL, flags | O_NONBLOCK) == 0;
  if (is_ready && (connect(made, address.ai_addr, address.ai_addrlen) == 0 || errno == EINPROGRESS)) return made;
  const int failure = errno;
  (void)close(made);
  errno = failure;
  return -1;
}

/// The addresses of the broker take turns from one attempt to the next.
int connect_to_broker(const skink_link& link) noexcept {
  char port[8];
  (void)snprintf(port, sizeof port, "%u", unsigned{link.identity->broker_port});
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(link.identity->broker_host, port, &hints, &found) != 0 || found == nullptr) return -1;
  uint32_t count = 0;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) ++count;
  const addrinfo* chosen = found;
  for (uint32_t left = link.attempts % count; left > 0; --left) chosen = chosen->ai_next;
  const int made = begin_to_connect(*chosen);
  freeaddrinfo(found);
  return made;
}

// ---- how it ends

/// Doubling waits with as much jitter again, so that a fleet does not come back in step after the broker was away.
void wait_for_next(skink_link& link, uint64_t now_ms) noexcept {
  const uint32_t doubled = kFirstWaitMs << (link.failures < 10 ? link.failures : 10);
  const uint32_t base = doubled < kLongestWaitMs ? doubled : kLongestWaitMs;
  const uint32_t word = skink::arithmetic::philox(link.identity->seed, link.attempts, 0, link.failures, 1).words[0];
  ++link.failures;
  link.wake_ms = now_ms + base / 2 + word % base;
  link.stage = SKINK_LINK_WAITING;
}

void close_link(skink_link& link, skink_device* device, uint64_t now_ms, const char* reason, int code) noexcept {
  if (link.stage == SKINK_LINK_OPEN) {
    (void)mbedtls_ssl_close_notify(&link.ssl);
    skink_disconnected(device);
    if (now_ms - link.open_ms >= kLastingMs) link.failures = 0;
  }
  if (link.stage == SKINK_LINK_SHAKING_HANDS) skink_connection_failed(device);
  if (link.socket >= 0) (void)close(link.socket);
  link.socket = -1;
  if (link.is_set_up != 0) mbedtls_ssl_free(&link.ssl);
  link.is_set_up = 0;
  link.out_count = 0;
  link.wants_to_write = 0;
  tell(link, reason, code);
  wait_for_next(link, now_ms);
}

const char* reason_of(skink_link& link, int code) noexcept {
  if (code == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED) {
    const uint32_t flags = mbedtls_ssl_get_verify_result(&link.ssl);
    if ((flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0) return "the broker's certificate is not from this fleet's CA";
    if ((flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) != 0) return "the broker's certificate is for another host name";
    return "the broker's certificate is not valid now: is the clock right?";
  }
  if (code == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE)
    return "the broker ended TLS: is this device's certificate accepted?";
  if (code == MBEDTLS_ERR_NET_CONN_RESET) return "the connection broke";
  if (code == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY || code == MBEDTLS_ERR_SSL_CONN_EOF)
    return "the broker closed the connection";
  return "TLS failed";
}

void fail(skink_link& link, skink_device* device, uint64_t now_ms, int code) noexcept {
  close_link(link, device, now_ms, reason_of(link, code), code);
}

bool is_pending(int result) noexcept {
  return result == MBEDTLS_ERR_SSL_WANT_READ || result == MBEDTLS_ERR_SSL_WANT_WRITE;
}

// ---- credentials

int configure(skink_link& link, const skink_credentials& credentials) noexcept {
  int result = skink::firmware::parse_certificates(link.authority, view(credentials.authorities));
  if (result == 0) result = skink::firmware::parse_certificates(link.certificate, view(credentials.certificate));
  if (result == 0) {
    result = skink::firmware::parse_private_key(link.key, view(credentials.private_key), random_of(link));
  }
  if (result == 0) {
    result = mbedtls_ssl_config_defaults(&link.config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                         MBEDTLS_SSL_PRESET_DEFAULT);
  }
  if (result == 0) result = mbedtls_ssl_conf_own_cert(&link.config, &link.certificate, &link.key);
  if (result != 0) return result;
  skink_mbedtls_conf_version(&link.config);
  skink_mbedtls_conf_random(&link.config, &link.random);
  mbedtls_ssl_conf_authmode(&link.config, MBEDTLS_SSL_VERIFY_REQUIRED);
  mbedtls_ssl_conf_ca_chain(&link.config, &link.authority, nullptr);
  return 0;
}

void initialize_credentials(skink_link& link) noexcept {
  mbedtls_ssl_config_init(&link.config);
  mbedtls_x509_crt_init(&link.authority);
  mbedtls_x509_crt_init(&link.certificate);
  mbedtls_pk_init(&link.key);
}

void free_credentials(skink_link& link) noexcept {
  mbedtls_ssl_config_free(&link.config);
  mbedtls_x509_crt_free(&link.authority);
  mbedtls_x509_crt_free(&link.certificate);
  mbedtls_pk_free(&link.key);
}

/// Those that the device wants to connect with now. @returns 0, or why mbedTLS does not take them.
int read_credentials(skink_link& link, const skink_device* device) noexcept {
  skink_credentials wanted;
  skink_get_credentials(device, &wanted);
  if (wanted.generation == link.generation) return 0;
  free_credentials(link);
  initialize_credentials(link);
  link.generation = 0;
  const int result = configure(link, wanted);
  if (result == 0) link.generation = wanted.generation;
  return result;
}

// ---- stages

void begin(skink_link& link, skink_device* device, uint64_t now_ms) noexcept {
  const int read = read_credentials(link, device);
  if (read != 0) {
    skink_connection_failed(device);
    close_link(link, device, now_ms, "a certificate or the key does not parse", read);
    return;
  }
  link.socket = connect_to_broker(link);
  ++link.attempts;
  if (link.socket < 0) {
    close_link(link, device, now_ms, "the broker's name cannot be resolved, or it is unreachable", errno);
    return;
  }
  mbedtls_ssl_init(&link.ssl);
  link.is_set_up = 1;
  int result = mbedtls_ssl_setup(&link.ssl, &link.config);
  if (result == 0) result = mbedtls_ssl_set_hostname(&link.ssl, link.identity->server_name);
  if (result != 0) {
    fail(link, device, now_ms, result);
    return;
  }
  mbedtls_ssl_set_bio(&link.ssl, &link, &send_bytes, &receive_bytes, nullptr);
  link.stage = SKINK_LINK_CONNECTING;
  link.answer_by_ms = now_ms + kAnswerMs;
}

void follow_tcp(skink_link& link, skink_device* device, uint64_t now_ms) noexcept {
  pollfd waited{link.socket, POLLOUT, 0};
  if (poll(&waited, 1, 0) <= 0) return;
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(link.socket, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) {
    close_link(link, device, now_ms, "the broker does not answer", error);
  } else {
    link.stage = SKINK_LINK_SHAKING_HANDS;
  }
}

void shake_hands(skink_link& link, skink_device* device, uint64_t now_ms) noexcept {
  const int result = mbedtls_ssl_handshake(&link.ssl);
  link.wants_to_write = result == MBEDTLS_ERR_SSL_WANT_WRITE ? 1 : 0;
  if (is_pending(result)) return;
  if (result != 0) {
    fail(link, device, now_ms, result);
    return;
  }
  link.stage = SKINK_LINK_OPEN;
  link.open_ms = now_ms;
  tell(link, "TLS is up", 0);
  if (skink_connected(device, now_ms) != SKINK_OK) close_link(link, device, now_ms, "the device has no identity", 0);
}

/// Writes what the device has to say. mbedTLS wants the same bytes again when the socket took a part of their record,
/// so they are kept here. @returns 0, or why the connection is of no use.
int send_output(skink_link& link, skink_device* device, uint64_t now_ms) noexcept {
  for (;;) {
    if (link.out_count == 0) {
      const skink_bytes output = skink_output(device, now_ms);
      if (output.count == 0) return 0;
      link.out_count = output.count < sizeof link.out ? output.count : sizeof link.out;
      memcpy(link.out, output.data, link.out_count);
      skink_sent(device, link.out_count, now_ms);
    }
    const int result = mbedtls_ssl_write(&link.ssl, link.out, link.out_count);
    link.wants_to_write = result == MBEDTLS_ERR_SSL_WANT_WRITE ? 1 : 0;
    if (is_pending(result)) return 0;
    if (result <= 0) return result;
    const auto written = static_cast<size_t>(result);
    memmove(link.out, link.out + written, link.out_count - written);
    link.out_count -= written;
  }
}

void exchange(skink_link& link, skink_device* device, uint64_t now_ms) noexcept {
  for (;;) {  // ends when the socket has no more, or takes no more: an answer is written before more is read
    int result = send_output(link, device, now_ms);
    if (result == 0 && link.out_count != 0) return;
    uint8_t bytes[kReadBytes];
    if (result == 0) result = mbedtls_ssl_read(&link.ssl, bytes, sizeof bytes);
    if (is_pending(result)) return;
    if (result <= 0) {
      fail(link, device, now_ms, result == 0 ? MBEDTLS_ERR_SSL_CONN_EOF : result);
      return;
    }
    if (skink_receive(device, bytes, static_cast<size_t>(result), now_ms) != SKINK_OK) {
      close_link(link, device, now_ms, "the broker refused, or its bytes make no sense", 0);
      return;
    }
  }
}

/// Where the device has said goodbye. Up to an eighth more, so that a fleet does not wake in step.
void fall_asleep(skink_link& link, skink_device* device, uint64_t now_ms) noexcept {
  uint32_t sleep_s = skink_wants_sleep(device);
  if (sleep_s == 0 && send_output(link, device, now_ms) == 0) sleep_s = skink_wants_sleep(device);
  if (sleep_s == 0 || link.out_count != 0) return;
  close_link(link, device, now_ms, "left, until the next connection is due", 0);
  const uint32_t word = skink::arithmetic::philox(link.identity->seed, link.attempts, 0, 0, 2).words[0];
  const uint64_t sleep_ms = uint64_t{sleep_s} * 1000;
  link.wake_ms = now_ms + sleep_ms + word % (sleep_ms / 8 + 1);
  link.failures = 0;
}

// ---- the keys of a device, by mbedTLS

skink_status make_key(void* context, const char* device_id, uint8_t* key, size_t* key_count, uint8_t* request,
                      size_t* request_count) {
  auto random = random_of(*static_cast<skink_link*>(context));
  const auto keys = skink::firmware::mbedtls_keys(random);
  return static_cast<skink_status>(keys.make(keys.context, {device_id, strlen(device_id)}, {key, *key_count},
                                             *key_count, {request, *request_count}, *request_count));
}

skink_status check_certificate(void* context, const char* device_id, skink_bytes certificate, skink_bytes key,
                               skink_bytes authorities) {
  auto random = random_of(*static_cast<skink_link*>(context));
  const auto keys = skink::firmware::mbedtls_keys(random);
  const skink::firmware::CertificateToCheck what = {
      view(certificate), view(key), view(authorities), {device_id, strlen(device_id)}};
  return static_cast<skink_status>(keys.check(keys.context, what));
}

}  // namespace

skink_status skink_link_init(skink_link* link, const skink_identity* identity,
                             void (*log)(void* context, const char* text, int code), void* log_context) {
  memset(link, 0, sizeof *link);
  link->identity = identity;
  link->log = log;
  link->log_context = log_context;
  link->socket = -1;
  initialize_credentials(*link);
  skink_mbedtls_random_init(&link->random);
  if (skink_mbedtls_random_seed(&link->random, &draw_entropy, nullptr) != 0) return SKINK_UNAVAILABLE;
  const skink_credentials own = {identity->ca_certificate, identity->certificate, identity->private_key, 0};
  return configure(*link, own) == 0 ? SKINK_OK : SKINK_DAMAGED;
}

void skink_link_keys(skink_link* link, skink_keys* keys) { *keys = {link, &make_key, &check_certificate}; }

void skink_link_turn(skink_link* link, skink_device* device, uint64_t now_ms, uint64_t* next_ms) {
  if (link->stage == SKINK_LINK_WAITING && now_ms >= link->wake_ms) begin(*link, device, now_ms);
  if (link->stage == SKINK_LINK_CONNECTING) follow_tcp(*link, device, now_ms);
  if (link->stage == SKINK_LINK_SHAKING_HANDS) shake_hands(*link, device, now_ms);
  if (link->stage == SKINK_LINK_OPEN) exchange(*link, device, now_ms);
  if (link->stage == SKINK_LINK_OPEN) fall_asleep(*link, device, now_ms);
  if (link->stage == SKINK_LINK_OPEN && skink_wants_reconnection(device) != 0) {
    close_link(*link, device, now_ms, "other credentials are to be used", 0);
    link->wake_ms = now_ms;
    link->failures = 0;
  }
  const bool is_under_way = link->stage == SKINK_LINK_CONNECTING || link->stage == SKINK_LINK_SHAKING_HANDS;
  if (is_under_way && now_ms >= link->answer_by_ms) close_link(*link, device, now_ms, "the broker does not answer", 0);
  const bool is_open = link->stage == SKINK_LINK_OPEN;
  if (skink_poll(device, now_ms, next_ms) != SKINK_OK && is_open) {
    close_link(*link, device, now_ms, "the broker is silent", 0);
  }
  if (link->stage == SKINK_LINK_OPEN) {
    const int result = send_output(*link, device, now_ms);
    if (result != 0) fail(*link, device, now_ms, result);
  }
  const uint64_t own_ms = link->stage == SKINK_LINK_OPEN      ? ~uint64_t{0}
                          : link->stage == SKINK_LINK_WAITING ? link->wake_ms
                                                              : link->answer_by_ms;
  if (own_ms < *next_ms) *next_ms = own_ms;
}

void skink_link_wait(const skink_link* link, uint64_t now_ms, uint64_t until_ms) {
  if (until_ms <= now_ms) return;
  const uint64_t left = until_ms - now_ms;
  const int timeout = left < static_cast<uint64_t>(kLongestSleepMs) ? static_cast<int>(left) : kLongestSleepMs;
  const bool writes = link->stage == SKINK_LINK_CONNECTING || link->wants_to_write != 0;
  pollfd waited{link->socket, static_cast<short>(POLLIN | (writes ? POLLOUT : 0)), 0};
  (void)poll(&waited, link->socket >= 0 ? 1 : 0, timeout);
}

void skink_link_free(skink_link* link, skink_device* device) {
  if (link->socket >= 0) close_link(*link, device, skink_posix_now_ms(), "closed by this device", 0);
  free_credentials(*link);
  skink_mbedtls_random_free(&link->random);
}
