#pragma once
/// @file
/// Settings from the command line: --set meta.rounds=100.

#include <string>
#include <vector>

#include "skink/host/result.hpp"

namespace skink {

/// Replaces or adds one key of a file before the file is checked.
struct Override {
  std::string key;    ///< dotted path: ConfigFile::read()
  std::string value;  ///< TOML; what is not TOML is taken as a text
  bool operator==(const Override&) const = default;
};

/// Splits texts at their first '='.
/// @param[in] texts  "key=value" each.
/// @returns kInvalidArgument, naming the text, when one is not of that form.
Result<std::vector<Override>> parse_overrides(const std::vector<std::string>& texts);

}  // namespace skink
