#pragma once
/// @file
/// Whose files are: root makes them for the users that broker and service run as.

#include <string>

#include "skink/host/result.hpp"

namespace skink::setup {

/// Gives a folder and all that is in it to a user, whose group may read it and others may not; private files stay the
/// owner's. Does nothing when this process is not root, or there is no such user.
/// @returns kUnavailable naming the file whose owner or mode cannot be changed.
Result<void> give_to(const std::string& folder, const std::string& user);

/// May the process change owners, and is there such a user?
bool can_give_to(const std::string& user);

}  // namespace skink::setup
