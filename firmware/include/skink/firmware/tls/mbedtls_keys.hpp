#pragma once
/// @file
/// Keys and certificates of a device by mbedTLS: what its TLS layer reads, and the KeyService of renewals. What differs
/// between its versions stands in skink/common/crypto/mbedtls_version.h.

#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

#include "skink/firmware/credential_store.hpp"

namespace skink::firmware {

/// Where random bits come from, as mbedTLS wants it: 0, or an error of mbedTLS's.
struct MbedtlsRandom {
  int (*draw)(void* context, unsigned char* out, size_t count) = nullptr;
  void* context = nullptr;
};

/// Makes and checks with mbedTLS, which must have MBEDTLS_X509_CSR_WRITE_C. Keys are DER (SEC1). @param[in] random
/// borrowed for the service's life
KeyService mbedtls_keys(MbedtlsRandom& random) noexcept;

/// Reads a private key, in DER, of a P-256 certificate.
///
/// @param[out] key  initialized before; the caller frees it
/// @returns 0, or an error of mbedTLS's.
int parse_private_key(mbedtls_pk_context& key, Bytes der, const MbedtlsRandom& random) noexcept;

/// Reads certificates, in DER, one after the other, in place: `ders` is borrowed as long as `chain` is used.
///
/// @param[out] chain  initialized before; the caller frees it
/// @returns 0, or an error of mbedTLS's, also without any.
int parse_certificates(mbedtls_x509_crt& chain, Bytes ders) noexcept;

}  // namespace skink::firmware
