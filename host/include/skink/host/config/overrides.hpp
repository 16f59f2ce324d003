#pragma once
/// @file
/// Settings from the command line: --set meta.rounds=100.

#include <string>
#include <vector>

#include "skink/host/result.hpp"

namespace skink {

/// Replaces or adds one key of a file before the file is checked.
struct Override {
  std::string key;
  std::string value;  ///< TOML; what is no TOML is text
  bool operator==(const Override&) const = default;
};

/// @param texts "key=value" each.
/// @returns kInvalidArgument naming the text that is none.
Result<std::vector<Override>> parse_overrides(const std::vector<std::string>& texts);

}  // namespace skink
