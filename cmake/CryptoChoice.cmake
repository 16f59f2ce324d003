# SKINK_CRYPTO: what computes SHA-256, HMAC and the check of signatures (docs/porting.md, "Cryptography"). Sets skink_crypto_definition,
# the macro of skink/common/crypto/crypto_choice.h; none where that finds mbedTLS by itself.

set(SKINK_CRYPTO mbedtls CACHE STRING "SHA-256, HMAC and signatures: mbedtls, psa, external or portable")
set(SKINK_CRYPTO_SOURCES "" CACHE STRING "With SKINK_CRYPTO=external: sources of the functions of external_crypto.h")
set(skink_cryptos portable mbedtls psa external)
set_property(CACHE SKINK_CRYPTO PROPERTY STRINGS ${skink_cryptos})
list(FIND skink_cryptos "${SKINK_CRYPTO}" skink_crypto_number)
if(skink_crypto_number EQUAL -1)
  message(FATAL_ERROR "SKINK_CRYPTO is '${SKINK_CRYPTO}': it is one of mbedtls, psa, external and portable")
endif()
if(SKINK_BUILD_HOST AND NOT SKINK_CRYPTO STREQUAL "mbedtls")
  message(FATAL_ERROR "SKINK_CRYPTO=${SKINK_CRYPTO} is for firmware: hosts have OpenSSL and mbedTLS")
endif()
if(SKINK_CRYPTO STREQUAL "external" AND NOT SKINK_CRYPTO_SOURCES)
  message(FATAL_ERROR "SKINK_CRYPTO=external: SKINK_CRYPTO_SOURCES names the files that have the functions of "
                      "common/include/skink/common/crypto/external_crypto.h")
endif()
set(skink_crypto_definition "")
if(NOT SKINK_CRYPTO STREQUAL "mbedtls")
  set(skink_crypto_definition SKINK_CRYPTO=${skink_crypto_number})
endif()
list(TRANSFORM SKINK_CRYPTO_SOURCES REPLACE "^([^/])" "${CMAKE_CURRENT_SOURCE_DIR}/\\1")
