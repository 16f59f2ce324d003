#pragma once
/// @file
/// A board for tests of firmware/core on a host: its console, and a random number generator that a test brings.

#include <functional>
#include <string>

#include "skink/common/span.hpp"
#include "skink/common/status.hpp"

namespace skink::test {

/// Everything that was printed.
std::string& console_text();

/// What port::entropy() does; empty: kUnavailable.
std::function<Status(MutableBytes)>& entropy();

}  // namespace skink::test
