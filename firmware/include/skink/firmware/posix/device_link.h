#ifndef SKINK_FIRMWARE_POSIX_DEVICE_LINK_H
#define SKINK_FIRMWARE_POSIX_DEVICE_LINK_H
/// @file
/// Keeps a device of skink.h connected to its broker: BSD sockets without waiting, mbedTLS 2.28 or 3.x with both ends
/// proven by certificates, back-off. Needs of the system: getaddrinfo, socket, connect, send, recv, poll, fcntl, a wall
/// clock that mbedTLS reads, and skink_posix_entropy(). The heap is mbedTLS's own business.
///
/// It does not: ask a time server (the wall clock must be right before a certificate is checked), resume TLS sessions.

#include <mbedtls/ssl.h>

#include "skink/common/crypto/mbedtls_version.h"
#include "skink/skink.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Most bytes of a record that is sent.
#define SKINK_LINK_OUT_BYTES 1024

/// How far the connection is.
typedef enum skink_link_stage {
  SKINK_LINK_WAITING,        ///< until it is tried again
  SKINK_LINK_CONNECTING,     ///< TCP
  SKINK_LINK_SHAKING_HANDS,  ///< TLS
  SKINK_LINK_OPEN
} skink_link_stage;

/// The link of one device. What is in it is none of the application's, but to look at.
typedef struct skink_link {
  const skink_identity* identity;
  uint32_t generation;  ///< of the credentials that TLS has read; 0: none
  void (*log)(void* context, const char* text, int code);
  void* log_context;
  skink_link_stage stage;
  int socket;
  uint64_t wake_ms;       ///< when SKINK_LINK_WAITING ends
  uint64_t answer_by_ms;  ///< of TCP and TLS
  uint64_t open_ms;       ///< since when it is open
  uint32_t attempts;      ///< since the start
  uint32_t failures;      ///< since the last connection that lasted a minute
  int is_set_up;          ///< 1: `ssl` has something to free
  int wants_to_write;     ///< 1: the socket has not taken all of `out`
  size_t out_count;
  uint8_t out[SKINK_LINK_OUT_BYTES];
  mbedtls_ssl_context ssl;
  mbedtls_ssl_config config;
  mbedtls_x509_crt authority;
  mbedtls_x509_crt certificate;
  mbedtls_pk_context key;
  skink_mbedtls_random random;
} skink_link;

/// Reads the identity's certificates and key; connects nothing yet.
///
/// @param[out] link      any content before; free it with skink_link_free() also after an error
/// @param[in]  identity  borrowed for the link's life
/// @param[in]  log       told what happens to the connection, with a number of the system's or mbedTLS's, else 0; may
/// be
///                       null
/// @returns SKINK_OK; SKINK_DAMAGED: a certificate or the key does not parse; SKINK_UNAVAILABLE without entropy.
skink_status skink_link_init(skink_link* link, const skink_identity* identity,
                             void (*log)(void* context, const char* text, int code), void* log_context);

/// Keys and certificates by mbedTLS, for skink_config::keys. @param[out] keys  borrows `link`, which may be initialized
/// later, but before the device has a connection
void skink_link_keys(skink_link* link, skink_keys* keys);

/// All that can be done without waiting: connects when it is time, shakes hands, moves bytes between `device` and
/// broker, calls skink_poll(), which does a step of work. Resolving the broker's name waits for the system.
/// @param[out] next_ms  when to call again unless the socket has something: skink_link_wait()
void skink_link_turn(skink_link* link, skink_device* device, uint64_t now_ms, uint64_t* next_ms);

/// Sleeps until `until_ms`, or until the socket has something to do; at most a minute.
void skink_link_wait(const skink_link* link, uint64_t now_ms, uint64_t until_ms);

/// Says goodbye and closes the connection, tells the device, and frees what mbedTLS has.
void skink_link_free(skink_link* link, skink_device* device);

#ifdef __cplusplus
}
#endif
#endif
