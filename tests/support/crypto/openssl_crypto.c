/* What an application brings with SKINK_CRYPTO=SKINK_CRYPTO_EXTERNAL, over OpenSSL. An example too: docs/porting.md. */

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#include "skink/common/crypto/external_crypto.h"

/* The context that Skink has room for holds OpenSSL's pointer. */
typedef struct hash {
  EVP_MD_CTX* context;
  uint8_t outer[64]; /* of an HMAC: the key of its second hash */
} hash;

/* There is no digest that could be returned in its place. */
static void require(int is_done) {
  if (!is_done) abort();
}

static hash* hash_of(void* context) { return (hash*)context; }

void skink_external_sha256_begin(void* context) {
  hash* const begun = hash_of(context);
  begun->context = EVP_MD_CTX_new();
  require(begun->context != NULL && EVP_DigestInit_ex(begun->context, EVP_sha256(), NULL) == 1);
}

void skink_external_sha256_add(void* context, const uint8_t* bytes, size_t count) {
  require(EVP_DigestUpdate(hash_of(context)->context, bytes, count) == 1);
}

void skink_external_sha256_finish(void* context, uint8_t digest[32]) {
  require(EVP_DigestFinal_ex(hash_of(context)->context, digest, NULL) == 1);
}

void skink_external_sha256_end(void* context) { EVP_MD_CTX_free(hash_of(context)->context); }

void skink_external_hmac_begin(void* context, const uint8_t key[32]) {
  hash* const begun = hash_of(context);
  uint8_t inner[64];
  size_t i;
  for (i = 0; i < sizeof inner; ++i) {
    const uint8_t byte = i < 32 ? key[i] : 0;
    inner[i] = byte ^ 0x36;
    begun->outer[i] = byte ^ 0x5c;
  }
  skink_external_sha256_begin(context);
  skink_external_sha256_add(context, inner, sizeof inner);
}

void skink_external_hmac_add(void* context, const uint8_t* bytes, size_t count) {
  skink_external_sha256_add(context, bytes, count);
}

void skink_external_hmac_finish(void* context, uint8_t tag[32]) {
  hash* const begun = hash_of(context);
  skink_external_sha256_finish(context, tag);
  require(EVP_DigestInit_ex(begun->context, EVP_sha256(), NULL) == 1);
  skink_external_sha256_add(context, begun->outer, sizeof begun->outer);
  skink_external_sha256_add(context, tag, 32);
  skink_external_sha256_finish(context, tag);
  skink_external_sha256_end(context);
}

/* OpenSSL checks that the point is on the curve. */
static EVP_PKEY* key_of(const uint8_t point[65]) {
  static char curve[] = "P-256";
  EVP_PKEY* key = NULL;
  EVP_PKEY_CTX* const making = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
  OSSL_PARAM parameters[3];
  uint8_t copy[65];
  require(making != NULL);
  memcpy(copy, point, sizeof copy);
  parameters[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, curve, 0);
  parameters[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, copy, sizeof copy);
  parameters[2] = OSSL_PARAM_construct_end();
  if (EVP_PKEY_fromdata_init(making) != 1 || EVP_PKEY_fromdata(making, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1) {
    key = NULL;
  }
  EVP_PKEY_CTX_free(making);
  return key;
}

/* r and s as DER. @returns how many bytes */
static int der_of(const uint8_t signature[64], uint8_t* out) {
  ECDSA_SIG* const parts = ECDSA_SIG_new();
  int bytes;
  require(parts != NULL &&
          ECDSA_SIG_set0(parts, BN_bin2bn(signature, 32, NULL), BN_bin2bn(signature + 32, 32, NULL)) == 1);
  bytes = i2d_ECDSA_SIG(parts, &out);
  ECDSA_SIG_free(parts);
  return bytes;
}

skink_external_verdict skink_external_verify_p256(const uint8_t digest[32], const uint8_t signature[64],
                                                  const uint8_t public_key[65]) {
  uint8_t der[80];
  const int bytes = der_of(signature, der);
  EVP_PKEY* const key = key_of(public_key);
  EVP_PKEY_CTX* checking;
  int is_good;
  if (key == NULL) return SKINK_EXTERNAL_BAD_KEY;
  checking = EVP_PKEY_CTX_new(key, NULL);
  require(checking != NULL && EVP_PKEY_verify_init(checking) == 1);
  is_good = bytes > 0 && EVP_PKEY_verify(checking, der, (size_t)bytes, digest, 32) == 1;
  EVP_PKEY_CTX_free(checking);
  EVP_PKEY_free(key);
  return is_good ? SKINK_EXTERNAL_GOOD : SKINK_EXTERNAL_WRONG;
}
