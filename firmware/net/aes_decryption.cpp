/// @file
/// AES-GCM encrypts blocks in both directions and nothing else here uses AES, so the 2.2 KB of block decryption are
/// left out of the image: mbedTLS is told that it comes from elsewhere, and here it is refused.

#include <mbedtls/aes.h>

extern "C" int mbedtls_aes_setkey_dec(mbedtls_aes_context* /*context*/, const unsigned char* /*key*/,
                                      unsigned int /*key_bits*/) {
  return MBEDTLS_ERR_AES_FEATURE_UNAVAILABLE;
}

extern "C" int mbedtls_internal_aes_decrypt(mbedtls_aes_context* /*context*/, const unsigned char /*input*/[16],
                                            unsigned char /*output*/[16]) {
  return MBEDTLS_ERR_AES_FEATURE_UNAVAILABLE;
}
