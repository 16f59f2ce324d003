#pragma once
/// @file
/// What is decided by a request's header alone, before a byte of its body is read: whether it is meant for this server,
/// which route it takes, and who may take it. No I/O.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "failed_logins.hpp"
#include "request_reader.hpp"
#include "skink/coordinator/http/http_server.hpp"

namespace skink::coordinator::http {

/// The other end of a connection, as the server counts it.
struct Remote {
  Peer peer;
  std::string key;           ///< whose limits count: an IPv4 address, an IPv6 /64, or "unix"
  bool is_loopback = false;  ///< our end of it
};

class Gate {
 public:
  /// @param[in] options  and `router`: outlive the gate.
  Gate(const ServerOptions& options, const Router& router);

  /// The route, or the answer that the request gets instead.
  struct Verdict {
    const Route* route = nullptr;
    std::optional<Response> answer;
  };

  /// Judges `head`, and completes its request: pattern, path parameters, peer, principal.
  Verdict admit(Head& head, const Remote& remote, FailedLogins::Clock::time_point now);

 private:
  std::optional<Response> check_host(const Head& head, const Remote& remote) const;
  std::optional<Response> check_origin(const Head& head, const Route& route) const;
  std::optional<Response> authorize(Request& request, const Route& route, const Remote& remote,
                                    FailedLogins::Clock::time_point now);

  const ServerOptions& options_;
  const Router& router_;
  FailedLogins failed_logins_;
};

}  // namespace skink::coordinator::http
