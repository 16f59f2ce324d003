#pragma once
/// @file
/// Whole files of SQLite: copied while another process writes them, and checked.

#include <string>

#include "skink/host/result.hpp"

namespace skink::coordinator {

/// Writes what a store holds at this moment to a new file, also while a coordinator writes the store, which is not held
/// up: its log grows meanwhile. Not synchronised.
/// @returns kUnavailable when the store cannot be read, or the new file is there already or cannot be written.
Result<void> copy_database(const std::string& from, const std::string& to);

/// Reads the whole file and compares its parts (PRAGMA integrity_check).
/// @returns kUnavailable when it cannot be read, kDamaged with the first thing that is wrong.
Result<void> check_database(const std::string& path);

}  // namespace skink::coordinator
