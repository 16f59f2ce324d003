#ifndef SKINK_COMMON_CRYPTO_EXTERNAL_CRYPTO_H
#define SKINK_COMMON_CRYPTO_EXTERNAL_CRYPTO_H
/// @file
/// What an application implements that brings its own cryptography (SKINK_CRYPTO=SKINK_CRYPTO_EXTERNAL): an
/// accelerator, a vendor's library, a certified module. Functions of C, called by common/crypto/external.cpp and nobody
/// else. They are called from whatever thread calls Skink, and may be called for several hashes at a time.
///
/// None of the hash functions can fail: what it computes decides who is believed. A part that can fail is to be asked
/// again, and in the end the program has to stop, as abort() does.

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Begins a SHA-256 (FIPS 180-4). @param[out] context  SKINK_CRYPTO_CONTEXT_BYTES (crypto.hpp: 128), a multiple of 8
/// in memory, any content; it stays where it is until skink_external_sha256_end()
void skink_external_sha256_begin(void* context);
/// Adds bytes, which need not live on; of none `bytes` may be null.
void skink_external_sha256_add(void* context, const uint8_t* bytes, size_t count);
/// Writes the digest of all that was added. Called at most once, and then nothing is added.
void skink_external_sha256_finish(void* context, uint8_t digest[32]);
/// The end of every hash that was begun, finished or not: what it holds can be given back.
void skink_external_sha256_end(void* context);

/// Begins an HMAC-SHA256 (RFC 2104). @param[out] context  as of skink_external_sha256_begin() @param[in] key  32 bytes
void skink_external_hmac_begin(void* context, const uint8_t key[32]);
/// Adds bytes, which need not live on; of none `bytes` may be null.
void skink_external_hmac_add(void* context, const uint8_t* bytes, size_t count);
/// Writes the code of all that was added, and ends it: called once for each that was begun.
void skink_external_hmac_finish(void* context, uint8_t tag[32]);

/// What a check of a signature came to.
typedef enum skink_external_verdict {
  SKINK_EXTERNAL_GOOD,          ///< it is the key's
  SKINK_EXTERNAL_WRONG,         ///< it is not
  SKINK_EXTERNAL_BAD_KEY,       ///< `public_key` is no point on the curve
  SKINK_EXTERNAL_OUT_OF_MEMORY  ///< nothing is known of it; also when a part does not answer
} skink_external_verdict;

/// ECDSA over P-256 (FIPS 186-4, section 6.4). @param[in] digest  SHA-256 of the message @param[in] signature  r and s,
/// big-endian @param[in] public_key  04, x, y
skink_external_verdict skink_external_verify_p256(const uint8_t digest[32], const uint8_t signature[64],
                                                  const uint8_t public_key[65]);

#ifdef __cplusplus
}
#endif
#endif
