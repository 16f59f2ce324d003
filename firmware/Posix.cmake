# The platform layer over sockets and files, and the examples of skink.h that run on it, in C99.

skink_add_firmware_tls()
skink_add_library(skink_firmware_posix ALIAS skink::firmware_posix STANDARD 17
  PUBLIC_INCLUDE include
  SOURCES posix/datagram_link.cpp posix/flash_file.cpp posix/device_link.cpp posix/platform.cpp
  LINK_PUBLIC skink::firmware_tls)

# skink_add_c_example(<name> SOURCES ...)  -> <build>/bin/<name>; not installed
function(skink_add_c_example name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES")
  skink_refuse_unknown(arg)
  add_executable(${name} ${arg_SOURCES} posix/stdout_console.cpp)
  target_link_libraries(${name} PRIVATE skink::firmware_posix)
  target_compile_options(${name} PRIVATE -Wall -Wextra -Wpedantic)
  if(SKINK_WERROR)
    target_compile_options(${name} PRIVATE -Werror)
  endif()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin" LINKER_LANGUAGE CXX
                                           C_STANDARD 99 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
  skink_apply_standard(${name} 17)
  skink_apply_warnings(${name})
  skink_apply_arithmetic_and_sanitizers(${name})
endfunction()

skink_add_c_example(skink-device SOURCES examples/fleet_device.c)
skink_add_c_example(skink-personal-example SOURCES examples/personal_device.c)
skink_add_c_example(skink-openssl-device SOURCES examples/openssl_device.c)
target_link_libraries(skink-openssl-device PRIVATE OpenSSL::SSL)
