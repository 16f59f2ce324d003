#pragma once
/// @file
/// Counts tokens that were wrong, per peer, so that they cannot be guessed fast.

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include "skink/coordinator/http/http_limits.hpp"

namespace skink::coordinator::http {

class FailedLogins {
 public:
  using Clock = std::chrono::steady_clock;

  explicit FailedLogins(const Limits& limits) : limits_(limits) {}

  /// How long `peer` has to wait, at least a second; nullopt: it may try.
  std::optional<std::chrono::seconds> wait_of(const std::string& peer, Clock::time_point now) const;

  /// Counts a failure. A success does not take it back: who has one good token must not guess others for free.
  void add(const std::string& peer, Clock::time_point now);

 private:
  struct Failures {
    std::size_t count = 0;
    Clock::time_point first, last;
  };

  const Limits& limits_;
  std::map<std::string, Failures> peers_;  ///< at most Limits::failed_login_peers
};

}  // namespace skink::coordinator::http
