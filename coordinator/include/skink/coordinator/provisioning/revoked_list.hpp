#pragma once
/// @file
/// The list of revoked device ids: a text file, one id a line; blank lines and what follows a '#' count for nothing.

#include <string>

#include "skink/coordinator/core/revoked_ids.hpp"
#include "skink/host/result.hpp"

namespace skink::provisioning {

/// @returns kUnavailable when the file cannot be read, kDamaged with the line that holds something else.
Result<coordinator::RevokedIds> read_revoked_list(const std::string& path);

}  // namespace skink::provisioning
