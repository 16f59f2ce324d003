# Cross compiler for the board that SKINK_BOARD names: firmware/ports/<board>/cpu.cmake says which and with what flags; or for that of
# SKINK_PORT_DIR, a folder outside of this repository.
set(CMAKE_SYSTEM_NAME Generic)
set(SKINK_PORT_DIR "" CACHE PATH "Folder of a port that is not in firmware/ports")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES SKINK_BOARD SKINK_PORT_DIR)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)

if(SKINK_PORT_DIR)
  set(skink_cpu "${SKINK_PORT_DIR}/cpu.cmake")
  if(NOT EXISTS "${skink_cpu}")
    message(FATAL_ERROR "SKINK_PORT_DIR is '${SKINK_PORT_DIR}', which has no cpu.cmake; firmware/ports/template is one to copy")
  endif()
else()
  set(skink_cpu "${CMAKE_CURRENT_LIST_DIR}/../../firmware/ports/${SKINK_BOARD}/cpu.cmake")
  if(NOT SKINK_BOARD OR NOT EXISTS "${skink_cpu}")
    message(FATAL_ERROR "SKINK_BOARD is '${SKINK_BOARD}'; it must name a folder of firmware/ports with a cpu.cmake; a port "
                        "elsewhere is named with SKINK_PORT_DIR")
  endif()
endif()
include("${skink_cpu}")

foreach(tool IN ITEMS gcc g++ ar ranlib objcopy objdump size)
  find_program(SKINK_${tool} "${SKINK_TOOL_PREFIX}${tool}" REQUIRED)
endforeach()
set(CMAKE_C_COMPILER "${SKINK_gcc}")
set(CMAKE_CXX_COMPILER "${SKINK_g++}")
set(CMAKE_ASM_COMPILER "${SKINK_gcc}")
set(CMAKE_AR "${SKINK_ar}")
set(CMAKE_RANLIB "${SKINK_ranlib}")

# Contraction would change bits, third-party code included: it is compiled with the same flags for simplicity.
set(skink_flags "${SKINK_CPU_FLAGS} -ffp-contract=off -ffunction-sections -fdata-sections -g")
set(CMAKE_C_FLAGS_INIT "${skink_flags}")
set(CMAKE_CXX_FLAGS_INIT "${skink_flags} -fno-exceptions -fno-rtti -fno-threadsafe-statics")
set(CMAKE_ASM_FLAGS_INIT "${SKINK_CPU_FLAGS} -g")
set(CMAKE_C_FLAGS_MINSIZEREL "-Os -fno-move-loop-invariants -DNDEBUG") # third-party code: 320 bytes less on the AN386
set(CMAKE_CXX_FLAGS_MINSIZEREL "-Os -DNDEBUG")

# Packages are found on the host (the nanopb generator), libraries never are.
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
