#include "skink/coordinator/service/flood_guard.hpp"

#include <algorithm>
#include <utility>

namespace skink::coordinator {
namespace {

constexpr std::size_t kMostBuckets = 100000;
constexpr std::uint64_t kTellMs = 10000;

}  // namespace

FloodGuard::Bucket& FloodGuard::bucket_of(std::string_view id) {
  const auto found = buckets_.find(id);
  if (found != buckets_.end()) return found->second;
  return buckets_.size() < kMostBuckets ? buckets_[std::string(id)] : others_;
}

bool FloodGuard::admits(std::string_view id, std::uint64_t now_ms) {
  Bucket& bucket = bucket_of(id);
  const double more = static_cast<double>(now_ms - bucket.filled_ms) / 1000 * kPerSecond;
  bucket.tokens = std::min<double>(kBurst, bucket.tokens + more);
  bucket.filled_ms = now_ms;
  if (bucket.tokens >= 1) {
    bucket.tokens -= 1;
    return true;
  }
  ++bucket.dropped;
  has_dropped_ = true;
  return false;
}

std::vector<FloodGuard::Flooder> FloodGuard::take_flooders(std::uint64_t now_ms) {
  std::vector<Flooder> flooders;
  if (!has_dropped_ || (told_ms_ != 0 && now_ms - told_ms_ < kTellMs)) return flooders;
  told_ms_ = now_ms;
  has_dropped_ = false;
  for (auto& [id, bucket] : buckets_) {
    if (bucket.dropped > 0) flooders.push_back({id, std::exchange(bucket.dropped, 0)});
  }
  if (others_.dropped > 0) flooders.push_back({"others", std::exchange(others_.dropped, 0)});
  return flooders;
}

}  // namespace skink::coordinator
