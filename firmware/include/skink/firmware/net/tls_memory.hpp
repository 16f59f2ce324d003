#pragma once
/// @file
/// mbedTLS's memory: one static array, so that nothing of TLS can touch the arena.

#include <stddef.h>

namespace skink::firmware::tls_memory {

/// Before any other use of mbedTLS: its memory, its clock.
void initialize() noexcept;

/// The most that was in use, block headers left out, and the size of the array.
size_t peak_bytes() noexcept;
size_t total_bytes() noexcept;

}  // namespace skink::firmware::tls_memory
