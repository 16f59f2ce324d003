# lwIP, mbedTLS and nanopb from source, compiled for the board. scripts/fetch-firmware-deps brings the sources.
# Their names here are those of the host packages, so that common/ links the same targets everywhere.

set(third_party "${CMAKE_CURRENT_LIST_DIR}/third_party")
foreach(name lwip mbedtls nanopb)
  if(NOT EXISTS "${third_party}/${name}/.sha256")
    message(FATAL_ERROR "firmware/third_party/${name} is absent: run scripts/fetch-firmware-deps first")
  endif()
endforeach()

# nanopb
set(nanopb "${third_party}/nanopb")
add_library(nanopb_source STATIC "${nanopb}/pb_common.c" "${nanopb}/pb_decode.c" "${nanopb}/pb_encode.c")
target_include_directories(nanopb_source SYSTEM PUBLIC "${nanopb}")
target_compile_definitions(nanopb_source PUBLIC PB_NO_ERRMSG)
add_library(nanopb::protobuf-nanopb-static ALIAS nanopb_source)

# mbedTLS: everything is compiled, the configuration empties what is not wanted and the linker drops the rest.
set(mbedtls "${third_party}/mbedtls")
file(GLOB mbedtls_sources CONFIGURE_DEPENDS "${mbedtls}/library/*.c")
add_library(mbedtls_source STATIC ${mbedtls_sources})
target_include_directories(mbedtls_source SYSTEM PUBLIC "${mbedtls}/include")
target_include_directories(mbedtls_source PUBLIC "${CMAKE_CURRENT_LIST_DIR}/net/config")
target_compile_definitions(mbedtls_source PUBLIC "MBEDTLS_CONFIG_FILE=\"skink_mbedtls_config.h\"" ${skink_crypto_definition})
target_compile_options(mbedtls_source PRIVATE -w)
add_library(MbedTLS::mbedcrypto ALIAS mbedtls_source)
add_library(MbedTLS::mbedtls ALIAS mbedtls_source)

# lwIP, without an operating system: core and IPv4 over Ethernet.
set(lwip "${third_party}/lwip/src")
file(GLOB lwip_sources CONFIGURE_DEPENDS "${lwip}/core/*.c" "${lwip}/core/ipv4/*.c")
list(APPEND lwip_sources "${lwip}/netif/ethernet.c" "${lwip}/apps/sntp/sntp.c")
add_library(lwip_source STATIC EXCLUDE_FROM_ALL ${lwip_sources})
target_include_directories(lwip_source SYSTEM PUBLIC "${lwip}/include")
target_include_directories(lwip_source PUBLIC "${CMAKE_CURRENT_LIST_DIR}/net/config")
target_compile_options(lwip_source PRIVATE -w)
