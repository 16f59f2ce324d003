#pragma once
/// @file
/// The golden vectors of selftest.hpp in one call, with a line for each.

#include "skink/common/span.hpp"

namespace skink::firmware::selftest {

/// Asks the canary, runs every check and says what came out in lines (log.hpp). A minute on a slow processor without
/// FPU.
///
/// @param[in] memory  kMemoryBytes, 4-byte aligned; overwritten. The stack needs 3 KB.
/// @returns how many failed; 0: this build on this board computes what the reference implementation computes.
unsigned run_all(MutableBytes memory) noexcept;

}  // namespace skink::firmware::selftest
