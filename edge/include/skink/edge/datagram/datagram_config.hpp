#pragma once
/// @file
/// Compile-time options of the transport in datagrams (docs/datagram.md).

/// Largest datagram that is sent, bytes, before DTLS; as much RAM in every Connection. What is received may be as long
/// as it likes. With DTLS, UDP and IPv6 around it 1184 stay below 1280. Range 64..1184.
#ifndef SKINK_DATAGRAM_BYTES
#define SKINK_DATAGRAM_BYTES 1184
#endif
static_assert(SKINK_DATAGRAM_BYTES >= 64 && SKINK_DATAGRAM_BYTES <= 1184, "SKINK_DATAGRAM_BYTES: 64..1184");

/// Pieces of a message that may be on their way before one is acknowledged. Range 1..16.
#ifndef SKINK_DATAGRAM_WINDOW
#define SKINK_DATAGRAM_WINDOW 4
#endif
static_assert(SKINK_DATAGRAM_WINDOW >= 1 && SKINK_DATAGRAM_WINDOW <= 16, "SKINK_DATAGRAM_WINDOW: 1..16");

/// Pauses before something is sent again, ms: while no round trip has been measured, the shortest, and the longest, to
/// which they double. Ranges 10..60000, in this order: least, first, longest.
#ifndef SKINK_DATAGRAM_LEAST_WAIT_MS
#define SKINK_DATAGRAM_LEAST_WAIT_MS 500
#endif
#ifndef SKINK_DATAGRAM_FIRST_WAIT_MS
#define SKINK_DATAGRAM_FIRST_WAIT_MS 1000
#endif
#ifndef SKINK_DATAGRAM_LONGEST_WAIT_MS
#define SKINK_DATAGRAM_LONGEST_WAIT_MS 8000
#endif
static_assert(SKINK_DATAGRAM_LEAST_WAIT_MS >= 10 && SKINK_DATAGRAM_FIRST_WAIT_MS >= SKINK_DATAGRAM_LEAST_WAIT_MS &&
                  SKINK_DATAGRAM_LONGEST_WAIT_MS >= SKINK_DATAGRAM_FIRST_WAIT_MS &&
                  SKINK_DATAGRAM_LONGEST_WAIT_MS <= 60000,
              "SKINK_DATAGRAM_..._WAIT_MS: 10 <= least <= first <= longest <= 60000");

/// How often the same is sent without any answer before the peer counts as gone. Range 2..30.
#ifndef SKINK_DATAGRAM_TRIES
#define SKINK_DATAGRAM_TRIES 10
#endif
static_assert(SKINK_DATAGRAM_TRIES >= 2 && SKINK_DATAGRAM_TRIES <= 30, "SKINK_DATAGRAM_TRIES: 2..30");
