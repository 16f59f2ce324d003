#pragma once
/// @file
/// SHA-256, HMAC-SHA256, HKDF-SHA256 and ECDSA. What computes them is chosen when a program is built: mbedTLS, the PSA
/// Crypto API, the application, or a SHA-256 of Skink's own without ECDSA (crypto_choice.h; docs/porting.md,
/// "Cryptography"). On hosts SHA-256 is OpenSSL's. Re-entrant.

#include <stddef.h>
#include <stdint.h>

#include "skink/common/span.hpp"
#include "skink/common/status.hpp"

namespace skink::crypto {

/// Bytes of what a SHA-256 keeps between two calls, the same for all sources of a program. A PSA Crypto that was
/// configured with SHA-512 or SHA-3 needs 256.
#ifndef SKINK_CRYPTO_CONTEXT_BYTES
#define SKINK_CRYPTO_CONTEXT_BYTES 128
#endif
static_assert(SKINK_CRYPTO_CONTEXT_BYTES >= 128 && SKINK_CRYPTO_CONTEXT_BYTES % 8 == 0, "a multiple of 8 from 128 on");
inline constexpr size_t kContextBytes = SKINK_CRYPTO_CONTEXT_BYTES;

inline constexpr size_t kDigestBytes = 32;
inline constexpr size_t kKeyBytes = 32;
inline constexpr size_t kTagBytes = 16;  ///< HMAC-SHA256-128 (RFC 4868)

/// A SHA-256 digest (FIPS 180-4), bytes in the order of the standard.
struct Digest {
  uint8_t bytes[kDigestBytes] = {};
};

/// Compares `count` bytes in constant time: for authentication codes and keys.
bool equal_in_constant_time(const uint8_t* a, const uint8_t* b, size_t count) noexcept;

/// The first eight bytes, little-endian: enough to tell the models of a run apart.
uint64_t prefix_of(const Digest& digest) noexcept;

/// Compares in constant time.
bool operator==(const Digest& a, const Digest& b) noexcept;
inline bool operator!=(const Digest& a, const Digest& b) noexcept { return !(a == b); }

/// A secret of HMAC-SHA256: a fleet's master key, or the key of one device.
struct Key {
  uint8_t bytes[kKeyBytes] = {};
};

/// Streaming SHA-256 (FIPS 180-4): any number of `add`, then one `finish`; unusable afterwards. One thread at a time.
class Sha256 {
 public:
  Sha256() noexcept;
  ~Sha256();  // NOLINT(performance-trivially-destructible): mbedTLS has something to free
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  /// Hashes further bytes, which need not live on. None are fine.
  void add(Bytes bytes) noexcept;
  /// The digest of all that was added, in order.
  Digest finish() noexcept;

 private:
  /// Whoever computes it has its context here: their headers stay out of ours, which a host's include folder must not
  /// reach.
  alignas(8) uint8_t context_[kContextBytes];
};

/// The SHA-256 digest of `bytes`.
Digest sha256(Bytes bytes) noexcept;

/// HMAC-SHA256 (RFC 2104) over the parts in order.
Digest hmac_sha256(const Key& key, Span<const Bytes> parts) noexcept;

/// The key of one device: HKDF-SHA256 (RFC 5869), input keying material = the fleet's master key, salt = "skink/1",
/// info = fleet || "/" || device id, neither of which has a '/'. 32 bytes.
Key device_key(const Key& master, Span<const char> fleet, Span<const char> device_id) noexcept;

inline constexpr size_t kSignatureBytes = 64;  ///< of ECDSA over P-256: r and s, big-endian, 32 bytes each

/// ECDSA with P-256 and SHA-256 (FIPS 186-4, section 6.4).
/// @param[in] signature   kSignatureBytes
/// @param[in] public_key  an uncompressed point: 04, x, y
/// @returns kOk; kWrongAuthentication when the signature is not that key's over the message; kInvalidArgument when the
///          key is not a point on the curve or a size is wrong; kBufferTooSmall when mbedTLS's heap is short, and
///          kUnavailable when PSA Crypto does not start: nothing is known of the signature; kUnsupported in a build
///          without ECDSA.
///
/// Allocates from mbedTLS's heap, where it is mbedTLS's.
Status verify_signature(Bytes message, Bytes signature, Bytes public_key) noexcept;

/// Writes 64 lower-case hexadecimal digits and a final 0.
void to_hex(const Digest& digest, char (&text)[2 * kDigestBytes + 1]) noexcept;

/// Reads exactly 64 hexadecimal digits of either case. False for anything else; `digest` is then untouched.
bool from_hex(const char* text, size_t length, Digest& digest) noexcept;

}  // namespace skink::crypto
