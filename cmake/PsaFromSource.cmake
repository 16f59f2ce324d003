# skink_psa36: the PSA Crypto API of the mbedTLS that firmware takes, for tests on hosts. Only where
# scripts/fetch-firmware-deps has brought its sources.

include_guard(GLOBAL)

set(mbedtls "${PROJECT_SOURCE_DIR}/firmware/third_party/mbedtls")
if(NOT EXISTS "${mbedtls}/.sha256")
  return()
endif()
set(psa36_sources
    aes asn1parse asn1write bignum bignum_core block_cipher cipher cipher_wrap constant_time ctr_drbg ecdsa ecp ecp_curves entropy
    entropy_poll md platform platform_util psa_crypto psa_crypto_aead psa_crypto_cipher psa_crypto_client
    psa_crypto_driver_wrappers_no_static psa_crypto_ecp psa_crypto_hash psa_crypto_mac psa_crypto_random psa_crypto_rsa psa_crypto_slot_management psa_util sha256)
list(TRANSFORM psa36_sources REPLACE "(.+)" "${mbedtls}/library/\\1.c")
add_library(skink_psa36 STATIC EXCLUDE_FROM_ALL ${psa36_sources})
target_include_directories(skink_psa36 SYSTEM PUBLIC "${mbedtls}/include")
target_include_directories(skink_psa36 PUBLIC "${CMAKE_CURRENT_LIST_DIR}/psa36")
target_compile_definitions(skink_psa36 PUBLIC "MBEDTLS_CONFIG_FILE=\"skink_mbedtls_config.h\"")
target_compile_options(skink_psa36 PRIVATE -w)
