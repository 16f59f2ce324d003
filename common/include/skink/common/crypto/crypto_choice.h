#ifndef SKINK_COMMON_CRYPTO_CRYPTO_CHOICE_H
#define SKINK_COMMON_CRYPTO_CRYPTO_CHOICE_H
/// @file
/// SKINK_CRYPTO says where SHA-256, HMAC and the check of signatures come from: one option, the same for all sources of
/// a program. In this repository CMake sets it (SKINK_CRYPTO of the cache); docs/packages.md has it for other build
/// systems.

/// SHA-256 of Skink's own, and no signatures: a device takes no signed releases.
#define SKINK_CRYPTO_PORTABLE 0
/// The functions of mbedTLS 2.28 or 3.x themselves.
#define SKINK_CRYPTO_MBEDTLS 1
/// PSA Crypto API 1.0: of mbedTLS 3.6, of TF-PSA-Crypto (mbedTLS 4), of a secure processing environment. The
/// application has called psa_crypto_init() before it hashes.
#define SKINK_CRYPTO_PSA 2
/// The application's, by the functions of external_crypto.h.
#define SKINK_CRYPTO_EXTERNAL 3

#if !defined(SKINK_CRYPTO) && defined(SKINK_MBEDTLS) /* its name before there were others */
#define SKINK_CRYPTO SKINK_MBEDTLS
#endif

// Nobody said: mbedTLS if its headers are found and have such a version, else Skink's own.
#if !defined(SKINK_CRYPTO) && defined(__has_include)
#if __has_include(<mbedtls/version.h>) && __has_include(<mbedtls/sha256.h>) && __has_include(<mbedtls/ecdsa.h>)
#include <mbedtls/version.h>
#if MBEDTLS_VERSION_NUMBER >= 0x021C0000 && MBEDTLS_VERSION_NUMBER < 0x04000000
#define SKINK_CRYPTO SKINK_CRYPTO_MBEDTLS
#endif
#endif
#endif
#if !defined(SKINK_CRYPTO)
#define SKINK_CRYPTO SKINK_CRYPTO_PORTABLE
#endif

#if SKINK_CRYPTO < SKINK_CRYPTO_PORTABLE || SKINK_CRYPTO > SKINK_CRYPTO_EXTERNAL
#error "SKINK_CRYPTO is SKINK_CRYPTO_PORTABLE, _MBEDTLS, _PSA or _EXTERNAL: 0 to 3"
#endif
#endif
