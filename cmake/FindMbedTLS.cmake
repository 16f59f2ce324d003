# Finds Mbed TLS where it installs no CMake configuration of its own (2.28 as packaged by distributions).
# Imported targets, named as upstream names them: MbedTLS::mbedcrypto, MbedTLS::mbedx509, MbedTLS::mbedtls.

find_path(MbedTLS_INCLUDE_DIR mbedtls/version.h)
foreach(component mbedcrypto mbedx509 mbedtls)
  find_library(MbedTLS_${component}_LIBRARY ${component})
endforeach()
mark_as_advanced(MbedTLS_INCLUDE_DIR MbedTLS_mbedcrypto_LIBRARY MbedTLS_mbedx509_LIBRARY MbedTLS_mbedtls_LIBRARY)

# 2.x states its version in version.h, 3.x in build_info.h.
foreach(header build_info.h version.h)
  if(NOT MbedTLS_VERSION AND EXISTS "${MbedTLS_INCLUDE_DIR}/mbedtls/${header}")
    file(STRINGS "${MbedTLS_INCLUDE_DIR}/mbedtls/${header}" line REGEX "MBEDTLS_VERSION_STRING +\"")
    string(REGEX REPLACE ".*\"([0-9.]+)\".*" "\\1" MbedTLS_VERSION "${line}")
  endif()
endforeach()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  MbedTLS
  REQUIRED_VARS MbedTLS_mbedtls_LIBRARY MbedTLS_mbedx509_LIBRARY MbedTLS_mbedcrypto_LIBRARY MbedTLS_INCLUDE_DIR
  VERSION_VAR MbedTLS_VERSION)

if(MbedTLS_FOUND AND NOT TARGET MbedTLS::mbedtls)
  foreach(component mbedcrypto mbedx509 mbedtls)
    add_library(MbedTLS::${component} UNKNOWN IMPORTED)
    set_target_properties(
      MbedTLS::${component} PROPERTIES IMPORTED_LOCATION "${MbedTLS_${component}_LIBRARY}"
                                       INTERFACE_INCLUDE_DIRECTORIES "${MbedTLS_INCLUDE_DIR}")
  endforeach()
  target_link_libraries(MbedTLS::mbedx509 INTERFACE MbedTLS::mbedcrypto)
  target_link_libraries(MbedTLS::mbedtls INTERFACE MbedTLS::mbedx509)
endif()
