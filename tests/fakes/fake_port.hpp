#pragma once
/// @file
/// A board for tests of firmware/core on a host: only its console is there.

#include <string>

namespace skink::test {

/// Everything that was printed.
std::string& console_text();

}  // namespace skink::test
