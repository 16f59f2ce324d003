#pragma once
/// @file
/// Bounds what one device can make a coordinator do: messages above a rate are not looked at, and their sender has a
/// name. The broker binds topics to certificates, so that nobody can do it in another one's name.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace skink::coordinator {

/// A token bucket for each device. Not thread-safe; `now_ms` is monotonic.
class FloodGuard {
 public:
  /// Messages that a device may send at once, and a second for long: more than one in the fastest fleet does.
  static constexpr std::uint32_t kBurst = 4000;
  static constexpr std::uint32_t kPerSecond = 400;

  /// Whether this message is to be looked at.
  bool admits(std::string_view id, std::uint64_t now_ms);

  /// A device whose messages were dropped, and how many since the last call.
  struct Flooder {
    std::string id;
    std::uint64_t dropped = 0;
  };
  /// Those since the last call; empty within 10 s of it.
  std::vector<Flooder> take_flooders(std::uint64_t now_ms);

 private:
  struct Bucket {
    double tokens = kBurst;
    std::uint64_t filled_ms = 0;
    std::uint64_t dropped = 0;
  };
  Bucket& bucket_of(std::string_view id);

  std::map<std::string, Bucket, std::less<>> buckets_;
  Bucket others_;  // of ids beyond those that are told apart
  std::uint64_t told_ms_ = 0;
  bool has_dropped_ = false;
};

}  // namespace skink::coordinator
