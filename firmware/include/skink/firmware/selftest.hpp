#pragma once
/// @file
/// Golden vectors that a board checks itself against: random bits, elementary functions, training of a dense and of a
/// convolutional net, the codecs, features. Each check hashes what it computes; the expected hashes were computed by
/// tests/golden/selftest_vectors.py, which shares no code with this.

#include <stddef.h>

#include "skink/common/crypto/crypto.hpp"
#include "skink/common/span.hpp"

namespace skink::firmware::selftest {

/// Memory that run() needs, bytes.
inline constexpr size_t kMemoryBytes = 6144;

/// One of the checks.
struct Check {
  const char* name;                                           ///< for a person
  const char* expected;                                       ///< SHA-256, 64 digits
  void (*compute)(crypto::Sha256& hash, Span<float> memory);  ///< hashes what it computes in `memory`
};

/// All checks, in the order in which to run them; static storage.
Span<const Check> checks() noexcept;

/// Runs one check.
///
/// @param[in]  check   of checks()
/// @param[in]  memory  kMemoryBytes, 4-byte aligned; overwritten.
/// @param[out] found  what was computed.
/// @returns true when it is what is expected; false also when `memory` does not do.
bool run(const Check& check, MutableBytes memory, crypto::Digest& found) noexcept;

}  // namespace skink::firmware::selftest
