#ifndef SKINK_COMMON_CRYPTO_MBEDTLS_VERSION_H
#define SKINK_COMMON_CRYPTO_MBEDTLS_VERSION_H
/// @file
/// What differs between the versions of mbedTLS that Skink is built with: 2.28, which hosts of Debian 12 have; 3.6,
/// which firmware takes (scripts/fetch-firmware-deps); 4, whose cryptography is TF-PSA-Crypto. Nothing else may ask for
/// the version. In C, for the links of firmware/posix. With SKINK_CRYPTO_PSA random bits and new keys come from the PSA
/// Crypto API, as version 4 has no other way.
///
/// What stands here of version 4 is from its documents and headers: Debian has no package of it, and nothing was
/// compiled.

#include <mbedtls/version.h>
#include <stddef.h>

#include "skink/common/crypto/crypto_choice.h"

#if MBEDTLS_VERSION_NUMBER < 0x021C0000
#error "mbedTLS 2.28 or later is needed"
#endif
#if MBEDTLS_VERSION_NUMBER >= 0x04000000 && SKINK_CRYPTO != SKINK_CRYPTO_PSA
#error "mbedTLS 4 is used by SKINK_CRYPTO=SKINK_CRYPTO_PSA"
#endif

#if SKINK_CRYPTO == SKINK_CRYPTO_PSA
#include <psa/crypto.h>
#else
#include <mbedtls/sha256.h>
#endif
#if defined(MBEDTLS_X509_CRT_PARSE_C)
#include <mbedtls/pk.h>
#endif
#if defined(MBEDTLS_X509_CSR_WRITE_C)
#include <mbedtls/x509_csr.h>
#endif
#if defined(MBEDTLS_SSL_TLS_C)
#include <mbedtls/ssl.h>
#if SKINK_CRYPTO != SKINK_CRYPTO_PSA
#include <mbedtls/ctr_drbg.h>
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

#if SKINK_CRYPTO != SKINK_CRYPTO_PSA
/* ---- SHA-256: of 2.x the functions with a result have another name */

static inline int skink_mbedtls_sha256_starts(mbedtls_sha256_context* context) {
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
  return mbedtls_sha256_starts(context, 0);
#else
  return mbedtls_sha256_starts_ret(context, 0);
#endif
}

static inline int skink_mbedtls_sha256_update(mbedtls_sha256_context* context, const unsigned char* bytes,
                                              size_t count) {
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
  return mbedtls_sha256_update(context, bytes, count);
#else
  return mbedtls_sha256_update_ret(context, bytes, count);
#endif
}

static inline int skink_mbedtls_sha256_finish(mbedtls_sha256_context* context, unsigned char* digest) {
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
  return mbedtls_sha256_finish(context, digest);
#else
  return mbedtls_sha256_finish_ret(context, digest);
#endif
}
#endif

#if defined(MBEDTLS_SSL_TLS_C)
/* ---- random bits: a generator of TLS's own, or that of the PSA Crypto API, which version 4 takes by itself */

/* As mbedTLS wants it: 0, or an error of mbedTLS's. */
typedef int skink_mbedtls_draw(void* context, unsigned char* out, size_t count);

#if SKINK_CRYPTO == SKINK_CRYPTO_PSA
typedef struct skink_mbedtls_random {
  char nothing;
} skink_mbedtls_random;

static inline void skink_mbedtls_random_init(skink_mbedtls_random* random) { random->nothing = 0; }
static inline void skink_mbedtls_random_free(skink_mbedtls_random* random) { (void)random; }

/* `entropy` is not asked: where the API's own comes from is a matter of its configuration. */
static inline int skink_mbedtls_random_seed(skink_mbedtls_random* random, skink_mbedtls_draw* entropy, void* context) {
  (void)random;
  (void)entropy;
  (void)context;
  return psa_crypto_init();
}

static inline int skink_mbedtls_random_draw(void* random, unsigned char* out, size_t count) {
  (void)random;
  return psa_generate_random(out, count);
}
#else
typedef mbedtls_ctr_drbg_context skink_mbedtls_random;

static inline void skink_mbedtls_random_init(skink_mbedtls_random* random) { mbedtls_ctr_drbg_init(random); }
static inline void skink_mbedtls_random_free(skink_mbedtls_random* random) { mbedtls_ctr_drbg_free(random); }

static inline int skink_mbedtls_random_seed(skink_mbedtls_random* random, skink_mbedtls_draw* entropy, void* context) {
  return mbedtls_ctr_drbg_seed(random, entropy, context, NULL, 0);  // NOLINT(modernize-use-nullptr): C
}

static inline int skink_mbedtls_random_draw(void* random, unsigned char* out, size_t count) {
  return mbedtls_ctr_drbg_random(random, out, count);
}
#endif

static inline void skink_mbedtls_conf_random(mbedtls_ssl_config* config, skink_mbedtls_random* random) {
#if MBEDTLS_VERSION_NUMBER >= 0x04000000
  (void)config;
  (void)random;
#else
  mbedtls_ssl_conf_rng(config, skink_mbedtls_random_draw, random);
#endif
}

/* ---- TLS or DTLS 1.2, and nothing else */

static inline void skink_mbedtls_conf_version(mbedtls_ssl_config* config) {
#if MBEDTLS_VERSION_NUMBER >= 0x03020000
  mbedtls_ssl_conf_min_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_2);
  mbedtls_ssl_conf_max_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_2);
#else
  mbedtls_ssl_conf_min_version(config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
  mbedtls_ssl_conf_max_version(config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
#endif
}
#endif

#if defined(MBEDTLS_X509_CRT_PARSE_C)
/* ---- keys: of 3.x these functions want random bits */

static inline int skink_mbedtls_parse_key(mbedtls_pk_context* key, const unsigned char* der, size_t count,
                                          int (*draw)(void*, unsigned char*, size_t), void* random) {
#if MBEDTLS_VERSION_NUMBER >= 0x03000000 && MBEDTLS_VERSION_NUMBER < 0x04000000
  return mbedtls_pk_parse_key(key, der, count, NULL, 0, draw, random);
#else
  (void)draw;
  (void)random;
  return mbedtls_pk_parse_key(key, der, count, NULL, 0);  // NOLINT(modernize-use-nullptr): C
#endif
}

static inline int skink_mbedtls_check_pair(const mbedtls_pk_context* is_public, const mbedtls_pk_context* is_private,
                                           int (*draw)(void*, unsigned char*, size_t), void* random) {
#if MBEDTLS_VERSION_NUMBER >= 0x03000000 && MBEDTLS_VERSION_NUMBER < 0x04000000
  return mbedtls_pk_check_pair(is_public, is_private, draw, random);
#else
  (void)draw;
  (void)random;
  return mbedtls_pk_check_pair(is_public, is_private);
#endif
}

#if defined(MBEDTLS_X509_CSR_WRITE_C)
/* As mbedtls_x509write_csr_der(): the bytes stand at the end of `out`. */
static inline int skink_mbedtls_write_request(mbedtls_x509write_csr* request, unsigned char* out, size_t size,
                                              int (*draw)(void*, unsigned char*, size_t), void* random) {
#if MBEDTLS_VERSION_NUMBER >= 0x04000000
  (void)draw;
  (void)random;
  return mbedtls_x509write_csr_der(request, out, size);
#else
  return mbedtls_x509write_csr_der(request, out, size, draw, random);
#endif
}
#endif

#if SKINK_CRYPTO == SKINK_CRYPTO_PSA
/* A key of the PSA key store as mbedTLS's X.509 and TLS use one; it stays where it is. */
static inline int skink_mbedtls_wrap_psa_key(mbedtls_pk_context* key, psa_key_id_t id) {
#if MBEDTLS_VERSION_NUMBER >= 0x04000000
  return mbedtls_pk_wrap_psa(key, id);
#elif defined(MBEDTLS_USE_PSA_CRYPTO)
  return mbedtls_pk_setup_opaque(key, id);
#else
#error "SKINK_CRYPTO_PSA with certificates needs mbedTLS 3.6 with MBEDTLS_USE_PSA_CRYPTO, or mbedTLS 4"
#endif
}
#endif
#endif

/* ---- errors: version 4 has one number for memory that is short, and others for what the parts had */

static inline int skink_mbedtls_is_out_of_memory(int error) {
  switch (error) {
#if SKINK_CRYPTO == SKINK_CRYPTO_PSA
    case PSA_ERROR_INSUFFICIENT_MEMORY:
#endif
#if MBEDTLS_VERSION_NUMBER < 0x04000000
    case -0x0010: /* MBEDTLS_ERR_MPI_ALLOC_FAILED */
    case -0x2880: /* MBEDTLS_ERR_X509_ALLOC_FAILED */
    case -0x3F80: /* MBEDTLS_ERR_PK_ALLOC_FAILED */
    case -0x4D80: /* MBEDTLS_ERR_ECP_ALLOC_FAILED */
    case -0x7F00: /* MBEDTLS_ERR_SSL_ALLOC_FAILED */
#endif
      return 1;
    default: return 0;
  }
}

#ifdef __cplusplus
}
#endif
#endif
