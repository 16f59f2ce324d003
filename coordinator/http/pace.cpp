#include "pace.hpp"

#include <algorithm>
#include <cmath>

namespace skink::coordinator::http {
namespace {

constexpr double kLongestDebtS = 10;

}  // namespace

Pace::Bucket& Pace::bucket_of(const std::string& peer, Clock::time_point now) {
  if (peers_.size() >= limits_.pace_peers && !peers_.contains(peer)) {
    peers_.erase(std::min_element(peers_.begin(), peers_.end(),
                                  [](const auto& a, const auto& b) { return a.second.at < b.second.at; }));
  }
  const auto most = static_cast<double>(limits_.pace_burst);
  const auto [found, is_new] = peers_.try_emplace(peer, Bucket{most, now});
  Bucket& bucket = found->second;
  const double seconds = std::chrono::duration<double>(now - bucket.at).count();
  bucket.units = std::min(most, bucket.units + seconds * static_cast<double>(limits_.pace_per_second));
  bucket.at = now;
  return bucket;
}

std::chrono::milliseconds Pace::charge(const std::string& peer, double cost, Clock::time_point now) {
  Bucket& bucket = bucket_of(peer, now);
  bucket.units = std::max(bucket.units - cost, -kLongestDebtS * static_cast<double>(limits_.pace_per_second));
  const double seconds = std::max(0.0, -bucket.units) / static_cast<double>(limits_.pace_per_second);
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(1000 * seconds)));
}

bool Pace::try_charge(const std::string& peer, Clock::time_point now) {
  Bucket& bucket = bucket_of(peer, now);
  if (bucket.units < 1) return false;
  bucket.units -= 1;
  return true;
}

}  // namespace skink::coordinator::http
