#ifndef SKINK_FIRMWARE_POSIX_DATAGRAM_LINK_H
#define SKINK_FIRMWARE_POSIX_DATAGRAM_LINK_H
/// @file
/// Keeps a device of skink.h connected to a bridge (docs/datagram.md): a UDP socket without waiting, DTLS 1.2 of mbedTLS 2.28
/// or 3.x with a key derived from the identity's, back-off. The counterpart of device_link.h, for a device whose
/// skink_config has uses_datagrams. It needs no wall clock. The heap is mbedTLS's own business.

#include <mbedtls/ssl.h>

#include "skink/common/crypto/mbedtls_version.h"
#include "skink/skink.h"

#ifdef __cplusplus
extern "C" {
#endif

/// How far the session with the bridge is.
typedef enum skink_datagram_stage {
  SKINK_DATAGRAM_WAITING,        ///< until it is tried again
  SKINK_DATAGRAM_SHAKING_HANDS,  ///< DTLS
  SKINK_DATAGRAM_OPEN
} skink_datagram_stage;

/// The link of one device. What is in it is none of the application's, but to look at.
typedef struct skink_datagram_link {
  const skink_identity* identity;
  const char* host;
  uint16_t port;
  void (*log)(void* context, const char* text, int code);
  void* log_context;
  skink_datagram_stage stage;
  int socket;
  uint64_t wake_ms;       ///< when SKINK_DATAGRAM_WAITING ends
  uint64_t answer_by_ms;  ///< of the handshake
  uint64_t open_ms;       ///< since when it is open
  uint64_t middle_ms;     ///< mbedTLS's timer; 0: none
  uint64_t final_ms;
  uint32_t attempts;  ///< since the start
  uint32_t failures;  ///< since the last session that lasted a minute
  int is_set_up;      ///< 1: `ssl` has something to free
  int is_asleep;      ///< 1: the device sleeps, its session goes on, and the socket is not looked at
  mbedtls_ssl_context ssl;
  mbedtls_ssl_config config;
  skink_mbedtls_random random;
} skink_datagram_link;

/// Derives the key; connects nothing yet.
///
/// @param[out] link      any content before; free it with skink_datagram_link_free() also after an error
/// @param[in]  identity  borrowed for the link's life, as `host`, the bridge's name or address
/// @param[in]  port      UDP
/// @param[in]  log       as in skink_link_init(); may be null
/// @returns SKINK_OK; SKINK_UNAVAILABLE without entropy or memory.
skink_status skink_datagram_link_init(skink_datagram_link* link, const skink_identity* identity, const char* host,
                                      uint16_t port, void (*log)(void* context, const char* text, int code),
                                      void* log_context);

/// All that can be done without waiting, as skink_link_turn(). Resolving the bridge's name waits for the system.
/// @param[out] next_ms  when to call again unless the socket has something: skink_datagram_link_wait()
void skink_datagram_link_turn(skink_datagram_link* link, skink_device* device, uint64_t now_ms, uint64_t* next_ms);

/// Sleeps until `until_ms`, or until the socket has something, unless the device sleeps; at most a minute.
void skink_datagram_link_wait(const skink_datagram_link* link, uint64_t now_ms, uint64_t until_ms);

/// Closes the session, tells the device, and frees what mbedTLS has.
void skink_datagram_link_free(skink_datagram_link* link, skink_device* device);

#ifdef __cplusplus
}
#endif
#endif
