#pragma once
/// @file
/// The ids that --prefix, --first and --count name: <prefix>000, <prefix>001, ... as scripts/make-pki makes them.

#include <cstdint>
#include <string>
#include <vector>

#include "skink/common/host/result.hpp"

namespace skink {

/// The largest number in such an id.
inline constexpr std::uint32_t kLastDeviceNumber = 999'999;

/// @returns kInvalidArgument when a number would be larger than kLastDeviceNumber; nothing is wrapped.
Result<std::vector<std::string>> numbered_ids(const std::string& prefix, std::uint32_t first, std::uint32_t count);

}  // namespace skink
