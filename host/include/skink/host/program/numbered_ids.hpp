#pragma once
/// @file
/// The ids that --prefix, --first and --count name: <prefix>000, <prefix>001, ... as scripts/make-pki makes them.

#include <cstdint>
#include <string>
#include <vector>

#include "skink/host/result.hpp"

namespace skink {

/// The ids prefix + number for `count` numbers from `first` on, each with at least three digits.
/// @returns kInvalidArgument when a number would be larger than limits::kMaxDeviceNumber; nothing is wrapped.
Result<std::vector<std::string>> numbered_ids(const std::string& prefix, std::uint32_t first, std::uint32_t count);

}  // namespace skink
