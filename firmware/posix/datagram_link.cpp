#include "skink/firmware/posix/datagram_link.h"

#include <errno.h>
#include <fcntl.h>
#include <mbedtls/net_sockets.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "skink/common/arithmetic/philox.hpp"
#include "skink/edge/datagram/datagram_key.hpp"
#include "skink/firmware/posix/platform.h"

namespace {

constexpr uint32_t kFirstWaitMs = 1000;
constexpr uint32_t kLongestWaitMs = 60000;
constexpr uint64_t kLastingMs = 60000;        ///< a session that ends sooner counts as a failure
constexpr uint64_t kHandshakeMs = 60000;      ///< for DTLS
constexpr uint32_t kFirstRepetitionMs = 400;  ///< of a flight of the handshake
constexpr uint32_t kLongestRepetitionMs = 8000;
constexpr size_t kLargestDatagram = 2048;
constexpr int kDatagramsAtOnce = 64;
constexpr int kLongestSleepMs = 60000;
// docs/datagram.md, section 6.
constexpr int kSuites[] = {MBEDTLS_TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256, MBEDTLS_TLS_PSK_WITH_AES_128_GCM_SHA256,
                           MBEDTLS_TLS_PSK_WITH_AES_128_CCM_8, 0};

void tell(const skink_datagram_link& link, const char* text, int code) noexcept {
  if (link.log != nullptr) link.log(link.log_context, text, code);
}

// ---- what mbedTLS asks for

int draw_entropy(void* /*context*/, unsigned char* out, size_t count) {
  return skink_posix_entropy(out, count) == SKINK_OK ? 0 : -1;
}

/// What the socket does not take is lost, as the network may lose it.
int send_datagram(void* context, const unsigned char* bytes, size_t count) {
  (void)send(static_cast<skink_datagram_link*>(context)->socket, bytes, count, MSG_NOSIGNAL);
  return static_cast<int>(count);
}

/// An error of the network says nothing that silence would not: anybody may have sent it.
int receive_datagram(void* context, unsigned char* out, size_t count) {
  const ssize_t got = recv(static_cast<skink_datagram_link*>(context)->socket, out, count, 0);
  return got > 0 ? static_cast<int>(got) : MBEDTLS_ERR_SSL_WANT_READ;
}

void set_timer(void* context, uint32_t middle_ms, uint32_t final_ms) {
  auto& link = *static_cast<skink_datagram_link*>(context);
  const uint64_t now_ms = skink_posix_now_ms();
  link.middle_ms = final_ms == 0 ? 0 : now_ms + middle_ms;
  link.final_ms = final_ms == 0 ? 0 : now_ms + final_ms;
}

int get_timer(void* context) {
  const auto& link = *static_cast<const skink_datagram_link*>(context);
  if (link.final_ms == 0) return -1;
  const uint64_t now_ms = skink_posix_now_ms();
  if (now_ms >= link.final_ms) return 2;
  return now_ms >= link.middle_ms ? 1 : 0;
}

bool is_pending(int result) noexcept {
  return result == MBEDTLS_ERR_SSL_WANT_READ || result == MBEDTLS_ERR_SSL_WANT_WRITE;
}

// ---- the socket

int socket_to_bridge(const skink_datagram_link& link) noexcept {
  char port[8];
  (void)snprintf(port, sizeof port, "%u", unsigned{link.port});
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(link.host, port, &hints, &found) != 0 || found == nullptr) return -1;
  const int made = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
  const int flags = made >= 0 ? fcntl(made, F_GETFL, 0) : -1;
  const bool is_ready = flags >= 0 && fcntl(made, F_SETFL, flags | O_NONBLOCK) == 0 &&
                        connect(made, found->ai_addr, found->ai_addrlen) == 0;
  freeaddrinfo(found);
  if (is_ready) return made;
  if (made >= 0) (void)close(made);
  return -1;
}

// ---- how it ends

/// As of a link to a broker: doubling waits with as much jitter again.
void wait_for_next(skink_datagram_link& link, uint64_t now_ms) noexcept {
  const uint32_t doubled = kFirstWaitMs << (link.failures < 10 ? link.failures : 10);
  const uint32_t base = doubled < kLongestWaitMs ? doubled : kLongestWaitMs;
  const uint32_t word = skink::arithmetic::philox(link.identity->seed, link.attempts, 0, link.failures, 1).words[0];
  ++link.failures;
  link.wake_ms = now_ms + base / 2 + word % base;
  link.stage = SKINK_DATAGRAM_WAITING;
}

void close_link(skink_datagram_link& link, skink_device* device, uint64_t now_ms, const char* reason,
                int code) noexcept {
  if (link.stage == SKINK_DATAGRAM_OPEN) {
    (void)mbedtls_ssl_close_notify(&link.ssl);
    skink_disconnected(device);
    if (now_ms - link.open_ms >= kLastingMs) link.failures = 0;
  }
  if (link.socket >= 0) (void)close(link.socket);
  link.socket = -1;
  if (link.is_set_up != 0) mbedtls_ssl_free(&link.ssl);
  link.is_set_up = 0;
  link.final_ms = 0;
  link.is_asleep = 0;
  tell(link, reason, code);
  wait_for_next(link, now_ms);
}

// ---- stages

void begin(skink_datagram_link& link, skink_device* device, uint64_t now_ms) noexcept {
  link.socket = socket_to_bridge(link);
  ++link.attempts;
  if (link.socket < 0) {
    close_link(link, device, now_ms, "the bridge's name cannot be resolved, or it is unreachable", errno);
    return;
  }
  mbedtls_ssl_init(&link.ssl);
  link.is_set_up = 1;
  const int result = mbedtls_ssl_setup(&link.ssl, &link.config);
  if (result != 0) {
    close_link(link, device, now_ms, "DTLS failed", result);
    return;
  }
  mbedtls_ssl_set_bio(&link.ssl, &link, &send_datagram, &receive_datagram, nullptr);
  mbedtls_ssl_set_timer_cb(&link.ssl, &link, &set_timer, &get_timer);
  link.stage = SKINK_DATAGRAM_SHAKING_HANDS;
  link.answer_by_ms = now_ms + kHandshakeMs;
}

void shake_hands(skink_datagram_link& link, skink_device* device, uint64_t now_ms) noexcept {
  const int result = mbedtls_ssl_handshake(&link.ssl);
  if (is_pending(result)) {
    if (now_ms >= link.answer_by_ms) close_link(link, device, now_ms, "the bridge does not answer", 0);
    return;
  }
  if (result != 0) {
    const bool is_timeout = result == MBEDTLS_ERR_SSL_TIMEOUT;
    close_link(link, device, now_ms, is_timeout ? "the bridge does not answer" : "the bridge refuses this device's key",
               result);
    return;
  }
  link.stage = SKINK_DATAGRAM_OPEN;
  link.open_ms = now_ms;
  tell(link, "DTLS is up", 0);
  if (skink_connected(device, now_ms) != SKINK_OK) close_link(link, device, now_ms, "the device has no identity", 0);
}

void send_output(skink_datagram_link& link, skink_device* device, uint64_t now_ms) noexcept {
  for (int sent = 0; sent < kDatagramsAtOnce; ++sent) {
    const skink_bytes output = skink_output(device, now_ms);
    if (output.count == 0) return;
    (void)mbedtls_ssl_write(&link.ssl, output.data, output.count);  // what fails is lost, and repeated later
    skink_sent(device, output.count, now_ms);
  }
}

void exchange(skink_datagram_link& link, skink_device* device, uint64_t now_ms) noexcept {
  for (int taken = 0; taken < kDatagramsAtOnce; ++taken) {
    uint8_t bytes[kLargestDatagram];
    const int result = mbedtls_ssl_read(&link.ssl, bytes, sizeof bytes);
    if (is_pending(result)) break;
    if (result <= 0) {
      close_link(link, device, now_ms, "the bridge closed the session", result);
      return;
    }
    if (skink_receive(device, bytes, static_cast<size_t>(result), now_ms) != SKINK_OK) {
      close_link(link, device, now_ms, "the bridge ended the session: it was started again, or has lost the broker", 0);
      return;
    }
    send_output(link, device, now_ms);
  }
}

void note_sleep(skink_datagram_link& link, const skink_device* device) noexcept {
  const int is_asleep = skink_is_asleep(device);
  if (is_asleep != 0 && link.is_asleep == 0) tell(link, "asleep, the bridge keeps what comes", 0);
  link.is_asleep = is_asleep;
}

}  // namespace

skink_status skink_datagram_link_init(skink_datagram_link* link, const skink_identity* identity, const char* host,
                                      uint16_t port, void (*log)(void* context, const char* text, int code),
                                      void* log_context) {
  memset(link, 0, sizeof *link);
  link->identity = identity;
  link->host = host;
  link->port = port;
  link->log = log;
  link->log_context = log_context;
  link->socket = -1;
  mbedtls_ssl_config_init(&link->config);
  skink_mbedtls_random_init(&link->random);
  if (skink_mbedtls_random_seed(&link->random, &draw_entropy, nullptr) != 0) return SKINK_UNAVAILABLE;
  skink::crypto::Key device_key;
  memcpy(device_key.bytes, identity->key, sizeof device_key.bytes);
  const size_t id_bytes = strlen(identity->device_id);
  const skink::crypto::Digest key = skink::edge::datagram::datagram_key(device_key, {identity->device_id, id_bytes});
  int result = mbedtls_ssl_config_defaults(&link->config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_DATAGRAM,
                                           MBEDTLS_SSL_PRESET_DEFAULT);
  if (result == 0) {
    result = mbedtls_ssl_conf_psk(&link->config, key.bytes, sizeof key.bytes,
                                  reinterpret_cast<const unsigned char*>(identity->device_id), id_bytes);
  }
  if (result != 0) return SKINK_UNAVAILABLE;
  mbedtls_ssl_conf_ciphersuites(&link->config, kSuites);
  skink_mbedtls_conf_version(&link->config);
  skink_mbedtls_conf_random(&link->config, &link->random);
  mbedtls_ssl_conf_handshake_timeout(&link->config, kFirstRepetitionMs, kLongestRepetitionMs);
  link->stage = SKINK_DATAGRAM_WAITING;
  return SKINK_OK;
}

void skink_datagram_link_turn(skink_datagram_link* link, skink_device* device, uint64_t now_ms, uint64_t* next_ms) {
  if (link->stage == SKINK_DATAGRAM_WAITING && now_ms >= link->wake_ms) begin(*link, device, now_ms);
  if (link->stage == SKINK_DATAGRAM_SHAKING_HANDS) shake_hands(*link, device, now_ms);
  if (link->stage == SKINK_DATAGRAM_OPEN) exchange(*link, device, now_ms);
  const bool is_open = link->stage == SKINK_DATAGRAM_OPEN;
  if (skink_poll(device, now_ms, next_ms) != SKINK_OK && is_open) {
    close_link(*link, device, now_ms, "the bridge is silent", 0);
  }
  if (link->stage == SKINK_DATAGRAM_OPEN) {
    send_output(*link, device, now_ms);
    note_sleep(*link, device);
  }
  uint64_t own_ms = ~uint64_t{0};
  if (link->stage == SKINK_DATAGRAM_WAITING) own_ms = link->wake_ms;
  if (link->stage == SKINK_DATAGRAM_SHAKING_HANDS) {
    own_ms = link->final_ms != 0 && link->final_ms < link->answer_by_ms ? link->final_ms : link->answer_by_ms;
  }
  if (own_ms < *next_ms) *next_ms = own_ms;
}

void skink_datagram_link_wait(const skink_datagram_link* link, uint64_t now_ms, uint64_t until_ms) {
  if (until_ms <= now_ms) return;
  const uint64_t left = until_ms - now_ms;
  const int timeout = left < static_cast<uint64_t>(kLongestSleepMs) ? static_cast<int>(left) : kLongestSleepMs;
  pollfd waited{link->socket, POLLIN, 0};
  (void)poll(&waited, link->socket >= 0 && link->is_asleep == 0 ? 1 : 0, timeout);
}

void skink_datagram_link_free(skink_datagram_link* link, skink_device* device) {
  if (link->socket >= 0) close_link(*link, device, skink_posix_now_ms(), "closed by this device", 0);
  mbedtls_ssl_config_free(&link->config);
  skink_mbedtls_random_free(&link->random);
}
