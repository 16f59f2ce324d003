#pragma once
/// @file
/// The list of revoked device ids: a text file, one id a line; blank lines and what follows a '#' count for nothing.

#include <string>

#include "skink/coordinator/core/revoked_ids.hpp"
#include "skink/host/result.hpp"

namespace skink::provisioning {

/// @returns kUnavailable when the file cannot be read, kDamaged with the line that holds something else.
Result<coordinator::RevokedIds> read_revoked_list(const std::string& path);

/// Puts an id on the list, in one step and durably; makes the file when it is not there. The comments of others stay.
/// @param[in] id  a device id
/// @returns whether it was not on it yet; kUnavailable when the list or its folder cannot be read or written, or when
///          another program revokes at the moment; kDamaged as read_revoked_list().
Result<bool> add_to_revoked_list(const std::string& path, const std::string& id);

}  // namespace skink::provisioning
