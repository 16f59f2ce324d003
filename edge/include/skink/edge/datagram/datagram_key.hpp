#pragma once
/// @file
/// The pre-shared key between a node and its bridge: docs/datagram.md, section 6.

#include "skink/common/crypto/crypto.hpp"

namespace skink::edge::datagram {

/// HMAC-SHA256(device key, "skink/1/datagram" || 00 || device id): 32 bytes. The device key cannot be computed from it.
crypto::Digest datagram_key(const crypto::Key& device_key, Span<const char> device_id) noexcept;

}  // namespace skink::edge::datagram
