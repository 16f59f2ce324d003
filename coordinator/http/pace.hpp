#pragma once
/// @file
/// How fast one peer is served, so that a client that asks without a pause takes no processor from the rounds: a token
/// bucket for each peer. Who has used his up waits; nothing is refused.

#include <chrono>
#include <cstddef>
#include <map>
#include <string>

#include "skink/coordinator/http/http_limits.hpp"

namespace skink::coordinator::http {

class Pace {
 public:
  using Clock = std::chrono::steady_clock;

  /// @param[in] limits  outlive the pace.
  explicit Pace(const Limits& limits) : limits_(limits) {}

  /// Takes `cost` units of `peer`'s, also more than are left.
  /// @returns how long the peer is to wait before it is served again, ten seconds at most; zero: not at all.
  std::chrono::milliseconds charge(const std::string& peer, double cost, Clock::time_point now);

  /// Takes a unit if one is left, and says whether it was. For what is only done for peers that ask rarely.
  bool try_charge(const std::string& peer, Clock::time_point now);

 private:
  struct Bucket {
    double units = 0;  ///< left; negative: owed
    Clock::time_point at;
  };
  Bucket& bucket_of(const std::string& peer, Clock::time_point now);

  const Limits& limits_;
  std::map<std::string, Bucket> peers_;  ///< at most Limits::pace_peers
};

}  // namespace skink::coordinator::http
