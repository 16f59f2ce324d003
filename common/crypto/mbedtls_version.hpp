#pragma once
/// @file
/// What differs between the versions of mbedTLS that Skink is built with: 2.28, which hosts of Debian 12 have, and 3.6,
/// which firmware takes (scripts/fetch-firmware-deps). Nothing else may ask for the version.

#include <mbedtls/sha256.h>
#include <mbedtls/version.h>

#if MBEDTLS_VERSION_NUMBER < 0x021C0000 || MBEDTLS_VERSION_NUMBER >= 0x04000000
#error "mbedTLS 2.28 or 3.x is needed"
#endif

namespace skink::crypto::mbedtls {

// ---- SHA-256: of 2.x the functions with a result have another name

inline int sha256_starts(mbedtls_sha256_context* context) noexcept {
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
  return mbedtls_sha256_starts(context, 0);
#else
  return mbedtls_sha256_starts_ret(context, 0);
#endif
}

inline int sha256_update(mbedtls_sha256_context* context, const unsigned char* bytes, size_t count) noexcept {
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
  return mbedtls_sha256_update(context, bytes, count);
#else
  return mbedtls_sha256_update_ret(context, bytes, count);
#endif
}

inline int sha256_finish(mbedtls_sha256_context* context, unsigned char* digest) noexcept {
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
  return mbedtls_sha256_finish(context, digest);
#else
  return mbedtls_sha256_finish_ret(context, digest);
#endif
}

}  // namespace skink::crypto::mbedtls
