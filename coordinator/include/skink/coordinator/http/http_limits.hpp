#pragma once
/// @file
/// What one HTTP server spends at most on its clients, who are not trusted. Each limit has a test over a real socket
/// (tests/unit/coordinator/http/).

#include <chrono>
#include <cstddef>

namespace skink::coordinator::http {

/// Bounds of a server. Every count is 1 or more, every time more than zero; Server::create() refuses others.
struct Limits {
  // Connections. One too many gets a 503 and is closed; over TLS, or where its peer asks without a pause, without a
  // word. When `connections` are open, one from a peer that has fewer takes the place of the one that has been
  // without a request longest, or has not read its answer for two seconds, among those of the peer that has most.
  std::size_t connections = 256;               ///< over TCP, at a time; those of the unix socket are not counted
  std::size_t connections_per_peer = 64;       ///< of one IPv4 address or IPv6 /64; of the unix socket as a whole
  std::size_t requests_per_connection = 1000;  ///< the last one is answered with "Connection: close"
  std::size_t send_buffer_bytes = 131'072;     ///< asked of the kernel per connection (SO_SNDBUF)

  // One request.
  std::size_t header_bytes = 8192;        ///< request line and fields together; 256..65536; more: 431
  std::size_t target_bytes = 2048;        ///< path and query as sent; more: 414
  std::size_t path_segments = 16;         ///< more: 414
  std::size_t query_parameters = 32;      ///< more: 414
  std::size_t body_bytes = 1'048'576;     ///< more: 413, and the connection is closed without reading the body
  std::size_t bodies_bytes = 16'777'216;  ///< of all requests being read or answered; more: 503 with Retry-After

  // Times.
  std::chrono::milliseconds header_time{
      10'000};  ///< TLS handshake and header; from the first byte on a reused connection
  std::chrono::milliseconds body_time{30'000};    ///< the whole body; more: 408
  std::chrono::milliseconds answer_time{10'000};  ///< until the handler has answered; more: 503
  std::chrono::milliseconds idle_time{60'000};    ///< between two requests of a connection
  std::chrono::milliseconds write_time{30'000};   ///< for each 64 KiB of an answer, each frame or batch of events
  std::chrono::milliseconds linger_time{2'000};   ///< after the last answer, until the client has closed too

  // Streams of events.
  std::size_t streams = 64;                          ///< Server-sent events and WebSockets together; more: 503
  std::chrono::milliseconds heartbeat_time{15'000};  ///< a comment or ping on a stream, so that proxies keep it open
  std::size_t websocket_message_bytes = 4096;        ///< of what a client sends, which is ignored; more: closed, 1009

  // Pace. Each peer (as for connections_per_peer) has `pace_burst` units, and gets `pace_per_second` of them back. A
  // connection takes one (over TLS five), a request one and another for each 16 KiB of its body and its answer. Who has
  // used them up waits before the next request is read.
  std::size_t pace_burst = 600;
  std::size_t pace_per_second = 60;
  std::size_t pace_peers = 1024;  ///< peers remembered; beyond, the one that came longest ago is forgotten

  // Guessing of tokens: `failed_logins` within `failed_login_time` from one peer (as for connections_per_peer), then
  // 429.
  std::size_t failed_logins = 10;
  std::chrono::seconds failed_login_time{60};
  std::size_t failed_login_peers = 1024;  ///< peers remembered; beyond, the one that failed longest ago is forgotten
};

}  // namespace skink::coordinator::http
