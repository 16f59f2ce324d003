#pragma once
/// @file
/// Files that are no CSV at all, told by their first bytes.

#include <string>
#include <string_view>

namespace skink::simulations {

/// What a file is in place of UTF-8 text with columns, and what to do; empty: nothing says so.
std::string other_format(std::string_view beginning);

}  // namespace skink::simulations
