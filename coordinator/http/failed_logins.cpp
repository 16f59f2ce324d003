#include "failed_logins.hpp"

#include <algorithm>

namespace skink::coordinator::http {

std::optional<std::chrono::seconds> FailedLogins::wait_of(const std::string& peer, Clock::time_point now) const {
  const auto found = peers_.find(peer);
  if (found == peers_.end() || found->second.count < limits_.failed_logins) return std::nullopt;
  const auto end = found->second.first + limits_.failed_login_time;
  if (now >= end) return std::nullopt;
  return std::chrono::ceil<std::chrono::seconds>(end - now);
}

void FailedLogins::add(const std::string& peer, Clock::time_point now) {
  if (peers_.size() >= limits_.failed_login_peers && !peers_.contains(peer)) {
    peers_.erase(std::min_element(peers_.begin(), peers_.end(),
                                  [](const auto& a, const auto& b) { return a.second.last < b.second.last; }));
  }
  Failures& failures = peers_[peer];
  if (failures.count == 0 || now >= failures.first + limits_.failed_login_time) failures = {0, now, now};
  ++failures.count;
  failures.last = now;
}

}  // namespace skink::coordinator::http
