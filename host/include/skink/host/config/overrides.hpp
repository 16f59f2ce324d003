#pragma once
/// @file
/// What takes the place of a file's keys: --set meta.rounds=100, and tables of the file that make several of it.

#include <string>
#include <string_view>
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

/// The list of tables that makes several files of one.
struct VariantList {
  std::string_view name;
  std::vector<std::string_view> own_keys;  ///< of an entry itself, rather than of the file that it makes
};

}  // namespace skink
