#include "skink/host/program/numbered_ids.hpp"

#include <fmt/format.h>

#include "skink/common/limits.hpp"

namespace skink {

Result<std::vector<std::string>> numbered_ids(const std::string& prefix, std::uint32_t first, std::uint32_t count) {
  const std::uint64_t end = std::uint64_t{first} + count;
  if (end > std::uint64_t{limits::kMaxDeviceNumber} + 1) {
    return make_error(Status::kInvalidArgument,
                      fmt::format("--first {} and --count {}: the last device would have the number {}, use at most {}",
                                  first, count, end - 1, limits::kMaxDeviceNumber));
  }
  std::vector<std::string> ids;
  ids.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) ids.push_back(fmt::format("{}{:03}", prefix, first + i));
  return ids;
}

}  // namespace skink
