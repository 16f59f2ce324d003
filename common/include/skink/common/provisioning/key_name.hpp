#pragma once
/// @file
/// What stands in a private key's place where a secure element keeps the key: its name there, which whoever encrypts
/// the stream hands to the element. Every text in an identity and in a credential store is a key's DER, and so is this:
/// SEQUENCE { UTF8String } (docs/identity.md).

#include <stddef.h>
#include <stdint.h>

#include "skink/common/span.hpp"

namespace skink::provisioning {

inline constexpr size_t kMaxKeyNameBytes = 120;
inline constexpr size_t kMaxNamedKeyBytes = kMaxKeyNameBytes + 4;

/// The name in `private_key`, borrowed from it; empty when it is none: a key itself, or anything else.
Span<const char> key_name(Bytes private_key) noexcept;

/// Writes a name in a private key's place.
/// @param[in]  name  1..kMaxKeyNameBytes printable characters of ASCII
/// @param[out] out   kMaxNamedKeyBytes always suffice; unchanged when it is refused
/// @returns how many bytes; 0: the name is none, or `out` is too small.
size_t write_key_name(Span<const char> name, MutableBytes out) noexcept;

}  // namespace skink::provisioning
