#pragma once
/// @file
/// SKINK_MBEDTLS says where SHA-256 and ECDSA come from. 1: mbedTLS, 2.28 or 3.x, whose headers must be found. 0:
/// SHA-256 is Skink's own, and there is no ECDSA, so that the device takes no signed releases. Without it: mbedTLS if
/// there is one of these versions.

#if !defined(SKINK_MBEDTLS)
#if __has_include(<mbedtls/version.h>) && __has_include(<mbedtls/sha256.h>) && __has_include(<mbedtls/ecdsa.h>)
#include <mbedtls/version.h>
#if MBEDTLS_VERSION_NUMBER >= 0x021C0000 && MBEDTLS_VERSION_NUMBER < 0x04000000
#define SKINK_MBEDTLS 1
#endif
#endif
#endif
#if !defined(SKINK_MBEDTLS)
#define SKINK_MBEDTLS 0
#endif
