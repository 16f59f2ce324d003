#pragma once
/// @file
/// The ids of devices that take no part any more.

#include <set>
#include <string>

namespace skink::coordinator {

using RevokedIds = std::set<std::string, std::less<>>;

}  // namespace skink::coordinator
