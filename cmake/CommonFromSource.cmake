# nanopb and mbedTLS for the freestanding libraries, from the sources that scripts/fetch-firmware-deps brings: for machines without
# mbedTLS, and for the preset host32, because Debian has no 32-bit packages of them beside the 64-bit ones. Their names are those
# of the host packages.

include_guard(GLOBAL)

set(third_party "${PROJECT_SOURCE_DIR}/firmware/third_party")
foreach(name mbedtls nanopb)
  if(NOT EXISTS "${third_party}/${name}/.sha256")
    message(FATAL_ERROR "firmware/third_party/${name} is absent: run scripts/fetch-firmware-deps first; or install "
                        "nanopb and mbedTLS (Debian: libnanopb-dev, libmbedtls-dev)")
  endif()
endforeach()

set(nanopb "${third_party}/nanopb")
add_library(nanopb_source STATIC "${nanopb}/pb_common.c" "${nanopb}/pb_decode.c" "${nanopb}/pb_encode.c")
target_include_directories(nanopb_source SYSTEM PUBLIC "${nanopb}")
target_compile_definitions(nanopb_source PUBLIC PB_NO_ERRMSG)
add_library(nanopb::protobuf-nanopb-static ALIAS nanopb_source)

set(mbedtls "${third_party}/mbedtls")
set(mbedtls_sources asn1parse asn1write bignum bignum_core constant_time ecdsa ecp ecp_curves platform platform_util sha256)
list(TRANSFORM mbedtls_sources REPLACE "(.+)" "${mbedtls}/library/\\1.c")
add_library(mbedtls_source STATIC ${mbedtls_sources})
target_include_directories(mbedtls_source SYSTEM PUBLIC "${mbedtls}/include")
target_include_directories(mbedtls_source PUBLIC "${CMAKE_CURRENT_LIST_DIR}/host32")
target_compile_definitions(mbedtls_source PUBLIC "MBEDTLS_CONFIG_FILE=\"skink_mbedtls_config.h\"")
target_compile_options(mbedtls_source PRIVATE -w)
add_library(MbedTLS::mbedcrypto ALIAS mbedtls_source)

# Catch2 is a header; Debian's compiled runner is of 64 bits.
if(SKINK_BUILD_TESTS AND CMAKE_SIZEOF_VOID_P EQUAL 4)
  file(WRITE "${PROJECT_BINARY_DIR}/catch_main.cpp" "#define CATCH_CONFIG_MAIN\n#include <catch2/catch.hpp>\n")
  add_library(skink_catch_main STATIC "${PROJECT_BINARY_DIR}/catch_main.cpp")
  set_target_properties(skink_catch_main PROPERTIES CXX_STANDARD 20)
  target_compile_options(skink_catch_main PRIVATE -O0 -g0)
  add_library(Catch2::Catch2WithMain ALIAS skink_catch_main)
endif()
