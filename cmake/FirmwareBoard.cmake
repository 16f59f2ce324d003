# Which board firmware is built for, and where its port is: SKINK_BOARD of the cache alone, or SKINK_PORT_DIR with a name of the
# folder's. Sets SKINK_BOARD, skink_port_dir, and what a build for a board differs in. Refuses a build folder whose compiler
# flags are not those of the port any more: CMake reads them once.

if(SKINK_PORT_DIR)
  get_filename_component(skink_port_dir "${SKINK_PORT_DIR}" ABSOLUTE)
  if(NOT SKINK_BOARD)
    get_filename_component(SKINK_BOARD "${skink_port_dir}" NAME)
  endif()
else()
  set(skink_port_dir "${CMAKE_CURRENT_SOURCE_DIR}/firmware/ports/${SKINK_BOARD}")
endif()

set(skink_is_for_host ${PROJECT_IS_TOP_LEVEL})
set(skink_build_type Release)
if(SKINK_BOARD)
  set(skink_is_for_host OFF)
  set(skink_build_type MinSizeRel)
  if(NOT CMAKE_TOOLCHAIN_FILE)
    message(FATAL_ERROR "SKINK_BOARD and SKINK_PORT_DIR need the cross compiler: add "
                        "--toolchain ${CMAKE_CURRENT_SOURCE_DIR}/cmake/toolchains/firmware.cmake")
  endif()
  if(EXISTS "${skink_port_dir}/cpu.cmake")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${skink_port_dir}/cpu.cmake")
    file(SHA256 "${skink_port_dir}/cpu.cmake" skink_cpu_sha256)
    if(DEFINED SKINK_CPU_SHA256 AND NOT SKINK_CPU_SHA256 STREQUAL skink_cpu_sha256)
      message(FATAL_ERROR "${skink_port_dir}/cpu.cmake is another one than when this build folder was made, and its flags would "
                          "not take effect: remove ${CMAKE_BINARY_DIR}, or configure with --fresh")
    endif()
    set(SKINK_CPU_SHA256 "${skink_cpu_sha256}" CACHE INTERNAL "Of the cpu.cmake that the compiler flags come from")
  endif()
elseif(SKINK_APP_DIR)
  message(FATAL_ERROR "SKINK_APP_DIR is an application of a board: name SKINK_BOARD or SKINK_PORT_DIR too")
endif()
