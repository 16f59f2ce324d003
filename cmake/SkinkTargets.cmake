# Functions that every layer uses to define its targets, so that flags stand in one place.
#
#   skink_add_library(<name> ALIAS skink::<x> [FREESTANDING [BOARDS_ONLY]] SOURCES ... PUBLIC_INCLUDE <dir>
#                     [LINK_PUBLIC ...] [LINK_PRIVATE ...] [COMPONENT <of the installed package>]
#                     [STANDARD <of a library that is not FREESTANDING; default: 20>] [ASIO])
#     BOARDS_ONLY: it needs a library that a host has for itself only: not compiled for skink_cortex_m
#     ASIO: its sources include Boost.Asio, which is compiled once, in coordinator/http/boost_asio.cpp
#   skink_add_program(<name> SOURCES ... [LINK ...] [NOT_INSTALLED])           -> <build>/bin/<name>
#   skink_add_test(<name> SOURCES ... [LINK ...] [LABELS ...] [TIMEOUT <s>] [SERIAL])  -> <build>/bin/tests/<name>
#   skink_add_script_test(<name> COMMAND ... [LABELS ...] [TIMEOUT <s>] [SERIAL])
#     SERIAL: one at a time, beside tests that are not; those labelled qemu, and those labelled gateway, among themselves
#   skink_embed_file(<target> FILE <file> HEADER <header> FUNCTION <namespace>::<name>)
#     compiles the file's bytes into a library; <header> declares two functions that return a std::string_view: <name>(),
#     the bytes, and <name>_etag(), a part of their hash in double quotes
#   skink_embed_assets(<target> HEADER <header> FUNCTION <namespace>::<name> FILES "PATH TYPE FILE"...)
#     compiles files, compressed, into a library; <header> declares <name>(), which returns a Span<const http::Asset>
#
# Targets defined here:
#   skink_programs       all programs
#   skink_freestanding   all FREESTANDING libraries, for the host
#   skink_cortex_m       the same sources compiled for Cortex-M4F; only where arm-none-eabi-g++ is found.
#                        Archives: <build>/cortex-m/lib<name>.a

include_guard(GLOBAL)
include(SkinkDocuments)
include(SkinkInstall)

set(SKINK_WARNINGS
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wdouble-promotion -Wold-style-cast
    -Wimplicit-fallthrough)
set(SKINK_FREESTANDING_FLAGS -fno-exceptions -fno-rtti -fno-threadsafe-statics)
set(SKINK_CORTEX_M_FLAGS -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16)

# Debian's interpreter: another python3 may come first in PATH and lack numpy.
find_program(SKINK_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH)
if(NOT SKINK_PYTHON)
  find_program(SKINK_PYTHON NAMES python3)
endif()
find_program(SKINK_ARM_CXX arm-none-eabi-g++)
find_program(SKINK_ARM_AR arm-none-eabi-ar)

add_custom_target(skink_programs)
add_custom_target(skink_freestanding)
add_custom_target(skink_cortex_m)

# Flags that no target of ours may lack. Contraction would change results, hence PUBLIC: it reaches code that is
# compiled into a user of our headers. Without errno a square root is one instruction and no call of libm.
function(skink_apply_arithmetic_and_sanitizers target)
  target_compile_options(${target} PUBLIC "$<$<COMPILE_LANGUAGE:C,CXX>:-ffp-contract=off;-fno-math-errno>")
  if(SKINK_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${SKINK_SANITIZE} -fno-sanitize-recover=all)
    target_link_options(${target} PUBLIC -fsanitize=${SKINK_SANITIZE})
  endif()
endfunction()

function(skink_apply_warnings target)
  target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:${SKINK_WARNINGS}>")
  if(SKINK_WERROR)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Werror>)
  endif()
endfunction()

function(skink_apply_standard target standard)
  set_target_properties(${target} PROPERTIES CXX_STANDARD ${standard} CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF)
  target_compile_features(${target} PUBLIC cxx_std_${standard}) # of who links to it, after installation too
endfunction()

function(skink_refuse_unknown prefix)
  if(${prefix}_UNPARSED_ARGUMENTS OR ${prefix}_KEYWORDS_MISSING_VALUES)
    message(FATAL_ERROR "unknown or empty arguments: ${${prefix}_UNPARSED_ARGUMENTS} ${${prefix}_KEYWORDS_MISSING_VALUES}")
  endif()
endfunction()

function(skink_add_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "FREESTANDING;BOARDS_ONLY;ASIO" "ALIAS;PUBLIC_INCLUDE;COMPONENT;STANDARD" "SOURCES;LINK_PUBLIC;LINK_PRIVATE")
  skink_refuse_unknown(arg)
  add_library(${name} STATIC ${arg_SOURCES})
  add_library(${arg_ALIAS} ALIAS ${name})
  cmake_path(ABSOLUTE_PATH arg_PUBLIC_INCLUDE BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}" NORMALIZE)
  target_include_directories(${name} PUBLIC "$<BUILD_INTERFACE:${arg_PUBLIC_INCLUDE}>")
  target_link_libraries(${name} PUBLIC ${arg_LINK_PUBLIC} PRIVATE ${arg_LINK_PRIVATE})
  skink_apply_arithmetic_and_sanitizers(${name})
  skink_apply_warnings(${name})
  set_target_properties(${name} PROPERTIES SKINK_ALIAS ${arg_ALIAS})
  if(arg_COMPONENT)
    skink_install_library(${name} ${arg_COMPONENT})
  endif()
  if(arg_FREESTANDING)
    skink_apply_standard(${name} 17)
    target_compile_options(${name} PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:${SKINK_FREESTANDING_FLAGS}>")
    add_dependencies(skink_freestanding ${name})
    if(NOT arg_BOARDS_ONLY)
      skink_add_cortex_m_archive(${name} ${arg_SOURCES})
    endif()
  else()
    if(NOT arg_STANDARD)
      set(arg_STANDARD 20)
    endif()
    skink_apply_standard(${name} ${arg_STANDARD})
    if(arg_ASIO)
      target_compile_definitions(${name} PRIVATE ${SKINK_ASIO_DEFINITIONS})
      # The thread sanitizer does not know fences, which gcc warns of. Asio's are beside its mutexes here: one thread runs it.
      if(SKINK_SANITIZE MATCHES thread)
        target_compile_definitions(${name} PRIVATE BOOST_ASIO_DISABLE_FENCED_BLOCK)
        target_compile_options(${name} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
      endif()
      skink_precompile_host(${name} ASIO)
    elseif(arg_STANDARD EQUAL 20)
      skink_precompile_host(${name})
    endif()
  endif()
endfunction()

# Proves that freestanding sources compile for a microcontroller. A cross build proper needs its own configuration;
# this needs none, so it runs with every test run.
function(skink_add_cortex_m_archive name)
  if(CMAKE_CROSSCOMPILING OR NOT SKINK_ARM_CXX OR NOT SKINK_ARM_AR)
    return()
  endif()
  # A host's /usr/include would hide newlib's headers.
  set(includes "$<FILTER:$<TARGET_PROPERTY:${name},INCLUDE_DIRECTORIES>,EXCLUDE,^/usr/include$>")
  set(folder "${PROJECT_BINARY_DIR}/cortex-m")
  set(objects "")
  foreach(source IN LISTS ARGN)
    if(NOT source MATCHES "\\.cpp$")
      continue()
    endif()
    cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}" NORMALIZE)
    cmake_path(RELATIVE_PATH source BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}" OUTPUT_VARIABLE relative)
    set(object "${folder}/${name}/${relative}.o")
    cmake_path(GET object PARENT_PATH object_folder)
    file(MAKE_DIRECTORY "${object_folder}")
    add_custom_command(
      OUTPUT "${object}"
      COMMAND
        "${SKINK_ARM_CXX}" -std=c++17 -O2 ${SKINK_CORTEX_M_FLAGS} ${SKINK_FREESTANDING_FLAGS} -ffp-contract=off -fno-math-errno
        -ffunction-sections -fdata-sections -Wall -Wextra "$<$<BOOL:${SKINK_WERROR}>:-Werror>"
        "$<$<BOOL:${includes}>:-I$<JOIN:${includes},;-I>>" -MD -MF "${object}.d" -c "${source}" -o "${object}"
      DEPENDS "${source}"
      DEPFILE "${object}.d"
      COMMENT "Cortex-M4F: ${name}/${relative}"
      COMMAND_EXPAND_LISTS VERBATIM)
    list(APPEND objects "${object}")
  endforeach()
  set(archive "${folder}/lib${name}.a")
  add_custom_command(
    OUTPUT "${archive}"
    COMMAND "${CMAKE_COMMAND}" -E rm -f "${archive}"
    COMMAND "${SKINK_ARM_AR}" rcs "${archive}" ${objects}
    DEPENDS ${objects}
    COMMENT "Cortex-M4F: lib${name}.a"
    VERBATIM)
  add_custom_target(${name}_cortex_m DEPENDS "${archive}")
  add_dependencies(${name}_cortex_m ${name}) # generated headers first
  add_dependencies(skink_cortex_m ${name}_cortex_m)
endfunction()

function(skink_embed_file target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "FILE;HEADER;FUNCTION" "")
  skink_refuse_unknown(arg)
  cmake_path(ABSOLUTE_PATH arg_FILE BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}" NORMALIZE)
  cmake_path(GET arg_FILE FILENAME name)
  set(script "${PROJECT_SOURCE_DIR}/cmake/EmbedFile.cmake")
  set(output "${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp")
  add_custom_command(
    OUTPUT "${output}"
    COMMAND "${CMAKE_COMMAND}" -D "input=${arg_FILE}" -D "output=${output}" -D "header=${arg_HEADER}"
            -D "function=${arg_FUNCTION}" -P "${script}"
    DEPENDS "${arg_FILE}" "${script}"
    COMMENT "Embedding ${name}"
    VERBATIM)
  target_sources(${target} PRIVATE "${output}")
  target_include_directories(${target} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
endfunction()

function(skink_embed_assets target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "HEADER;FUNCTION" "FILES")
  skink_refuse_unknown(arg)
  find_program(SKINK_GZIP gzip REQUIRED)
  set(script "${PROJECT_SOURCE_DIR}/cmake/EmbedAssets.cmake")
  set(manifest "${CMAKE_CURRENT_BINARY_DIR}/${target}_assets.txt")
  set(output "${CMAKE_CURRENT_BINARY_DIR}/${target}_assets.cpp")
  list(JOIN arg_FILES "\n" lines)
  file(CONFIGURE OUTPUT "${manifest}" CONTENT "${lines}\n" @ONLY) # is written only when it changes
  list(TRANSFORM arg_FILES REPLACE "^[^ ]+ [^ ]+ " "" OUTPUT_VARIABLE files)
  add_custom_command(
    OUTPUT "${output}"
    COMMAND "${CMAKE_COMMAND}" -D "manifest=${manifest}" -D "output=${output}" -D "header=${arg_HEADER}"
            -D "function=${arg_FUNCTION}" -D "gzip=${SKINK_GZIP}" -P "${script}"
    DEPENDS ${files} "${manifest}" "${script}"
    COMMENT "Embedding the page"
    VERBATIM)
  target_sources(${target} PRIVATE "${output}")
  target_include_directories(${target} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
endfunction()

function(skink_add_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "NOT_INSTALLED" "" "SOURCES;LINK")
  skink_refuse_unknown(arg)
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LINK})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
  if(SKINK_INSTALL AND NOT arg_NOT_INSTALLED)
    set(component ${name})
    if(name STREQUAL "skinkctl")
      set(component skink-tools)
    endif()
    install(TARGETS ${name} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT ${component})
    skink_add_documents(${name} ${component})
  endif()
  skink_apply_standard(${name} 20)
  skink_apply_arithmetic_and_sanitizers(${name})
  skink_apply_warnings(${name})
  skink_precompile_host(${name})
  if(NOT arg_NOT_INSTALLED)
    add_dependencies(skink_programs ${name})
  endif()
endfunction()

# Sets what every test has: limits, labels, and where to find things.
function(skink_set_test_properties name serial timeout labels)
  if(NOT timeout)
    set(timeout 120)
  endif()
  if(SKINK_SANITIZE)
    math(EXPR timeout "4 * ${timeout}") # only against hanging: its programs are up to ten times slower
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${timeout} LABELS "${labels}")
  set_property(
    TEST ${name}
    PROPERTY ENVIRONMENT "SKINK_SOURCE_DIR=${PROJECT_SOURCE_DIR}" "SKINK_BUILD_DIR=${PROJECT_BINARY_DIR}"
             "SKINK_BIN_DIR=${PROJECT_BINARY_DIR}/bin" "SKINK_PYTHON=${SKINK_PYTHON}" "SKINK_SANITIZE=${SKINK_SANITIZE}")
  if(serial)
    # They wait for each other's processes more than they compute: begun first, the others fill the gaps. Emulated devices
    # beside host fleets: each leaves most of a core free.
    set(lock skink_fleet)
    if("qemu" IN_LIST labels)
      set(lock skink_emulators)
    elseif("gateway" IN_LIST labels)
      set(lock skink_gateways)
    endif()
    set_tests_properties(${name} PROPERTIES RESOURCE_LOCK ${lock} COST 1000)
  endif()
endfunction()

# skink_precompile(<target> <name> HEADERS <header>... [LINK <library>...] [DEFINITIONS <of the target's>...])
#   Headers of others, compiled once for all targets with the same name. Ours are left out: they change.
function(skink_precompile target name)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "HEADERS;LINK;DEFINITIONS")
  skink_refuse_unknown(arg)
  if(CMAKE_DISABLE_PRECOMPILE_HEADERS)
    return()
  endif()
  if(NOT TARGET ${name})
    file(WRITE "${PROJECT_BINARY_DIR}/${name}.cpp" "")
    add_library(${name} OBJECT "${PROJECT_BINARY_DIR}/${name}.cpp")
    skink_apply_standard(${name} 20)
    skink_apply_arithmetic_and_sanitizers(${name})
    skink_apply_warnings(${name})
    get_target_property(options ${target} COMPILE_OPTIONS)
    set_target_properties(${name} PROPERTIES COMPILE_OPTIONS "${options}")
    target_link_libraries(${name} PRIVATE ${arg_LINK})
    target_compile_definitions(${name} PRIVATE ${arg_DEFINITIONS})
    target_precompile_headers(${name} PRIVATE ${arg_HEADERS})
  endif()
  target_precompile_headers(${target} REUSE_FROM ${name})
endfunction()

# What nearly all sources of hosts include; ASIO: Boost.Asio and Boost.Beast too, with the definitions that the target must
# have. Sanitizers' builds compile without, and prove that nothing is included by accident.
set(SKINK_ASIO_DEFINITIONS BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED)
function(skink_precompile_host target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "ASIO" "" "")
  if(SKINK_SANITIZE)
    return()
  endif()
  set(name skink_host_headers)
  set(definitions "")
  set(headers <boost/system/result.hpp> <algorithm> <chrono> <cstdint> <functional> <map> <memory> <optional>
      <string> <vector>)
  if(arg_ASIO)
    set(name skink_asio_headers)
    set(definitions DEFINITIONS ${SKINK_ASIO_DEFINITIONS})
    list(APPEND headers <boost/asio/io_context.hpp> <boost/asio/ip/tcp.hpp> <boost/asio/local/stream_protocol.hpp>
         <boost/asio/ssl/stream.hpp> <boost/asio/steady_timer.hpp> <boost/beast/core/flat_buffer.hpp>
         <boost/beast/http.hpp> <boost/beast/websocket/stream.hpp> <boost/json.hpp>)
  endif()
  skink_precompile(${target} ${name} HEADERS ${headers} LINK Threads::Threads ${definitions})
endfunction()

function(skink_add_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "SERIAL" "TIMEOUT" "SOURCES;LINK;LABELS")
  skink_refuse_unknown(arg)
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LINK} Catch2::Catch2WithMain)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin/tests")
  skink_apply_standard(${name} 20)
  skink_apply_arithmetic_and_sanitizers(${name})
  skink_apply_warnings(${name})
  # Optimization: a test's own code runs a moment; its Catch2 assertions take the optimiser longest, and with -O2 GCC 12
  # takes some of them for accesses out of bounds.
  target_compile_options(${name} PRIVATE -O0)
  set(headers <catch2/catch.hpp> <algorithm> <random>)
  if(SKINK_BUILD_HOST)
    list(APPEND headers <boost/system/result.hpp>)
  endif()
  skink_precompile(${name} skink_test_headers HEADERS ${headers} LINK Catch2::Catch2WithMain)
  add_test(NAME ${name} COMMAND ${name})
  skink_set_test_properties(${name} "${arg_SERIAL}" "${arg_TIMEOUT}" "${arg_LABELS}")
endfunction()

# A `.py` runs with SKINK_PYTHON, a `.sh` with bash; a relative script is relative to the calling folder.
function(skink_add_script_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "SERIAL" "TIMEOUT" "COMMAND;LABELS")
  skink_refuse_unknown(arg)
  list(POP_FRONT arg_COMMAND script)
  set(interpreter "")
  if(script MATCHES "\\.py$")
    set(interpreter "${SKINK_PYTHON}")
  elseif(script MATCHES "\\.sh$")
    set(interpreter bash)
  endif()
  if(interpreter)
    cmake_path(ABSOLUTE_PATH script BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}" NORMALIZE)
  endif()
  add_test(NAME ${name} COMMAND ${interpreter} "${script}" ${arg_COMMAND})
  skink_set_test_properties(${name} "${arg_SERIAL}" "${arg_TIMEOUT}" "${arg_LABELS}")
endfunction()
