#pragma once
/// @file
/// mbedTLS's memory: one static array, so that nothing of TLS can touch the arena.

#include <stddef.h>

namespace skink::firmware::tls_memory {

/// Gives mbedTLS its memory and its clock. Call once, before any other use of mbedTLS.
void initialize() noexcept;

/// The most that was in use since the reset, block headers left out.
size_t peak_bytes() noexcept;
/// The size of the array.
size_t total_bytes() noexcept;

}  // namespace skink::firmware::tls_memory
