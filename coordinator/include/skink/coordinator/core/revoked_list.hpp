#pragma once
/// @file
/// The list of revoked device ids: a text file, one id a line; blank lines and what follows a '#' count for nothing.

#include <set>
#include <string>

#include "skink/common/host/result.hpp"

namespace skink::coordinator {

using RevokedIds = std::set<std::string, std::less<>>;

/// @returns kUnavailable when the file cannot be read, kDamaged with the line that holds something else.
Result<RevokedIds> read_revoked_list(const std::string& path);

}  // namespace skink::coordinator
