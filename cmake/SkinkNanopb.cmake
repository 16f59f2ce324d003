# Generates the message code from .proto files of common/ (and the .options beside them).
#
#   skink_generate_wire([PROTO <file>...])
#
# makes the static library skink_wire_generated: include <skink/common/<room>/<name>.pb.h>. nanopb's own headers
# are copied into the build tree, because their folder on a host (/usr/include) is unusable for a cross compiler.

include_guard(GLOBAL)

if(NOT TARGET nanopb::protobuf-nanopb-static) # firmware compiles it from source
  find_package(nanopb 0.4.7 CONFIG REQUIRED)
endif()
find_program(SKINK_NANOPB_GENERATOR NAMES nanopb_generator.py nanopb_generator REQUIRED)

function(skink_copy_nanopb_headers destination)
  get_target_property(folder nanopb::protobuf-nanopb-static INTERFACE_INCLUDE_DIRECTORIES)
  foreach(header pb.h pb_common.h pb_decode.h pb_encode.h)
    configure_file("${folder}/${header}" "${destination}/${header}" COPYONLY)
  endforeach()
endfunction()

function(skink_generate_wire)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "" "PROTO")
  if(NOT arg_PROTO)
    set(arg_PROTO "${PROJECT_SOURCE_DIR}/common/wire/skink.proto" "${PROJECT_SOURCE_DIR}/common/provisioning/identity.proto")
  endif()
  set(root "${PROJECT_BINARY_DIR}/generated")
    skink_copy_nanopb_headers("${root}/nanopb")

  set(generated "")
  foreach(proto IN LISTS arg_PROTO)
    cmake_path(GET proto PARENT_PATH proto_folder)
    cmake_path(GET proto STEM stem)
    cmake_path(GET proto_folder FILENAME room)
    set(output "${root}/skink/common/${room}")
    file(MAKE_DIRECTORY "${output}")
    set(inputs "${proto}")
    if(EXISTS "${proto_folder}/${stem}.options")
      list(APPEND inputs "${proto_folder}/${stem}.options")
    endif()
    add_custom_command(
      OUTPUT "${output}/${stem}.pb.c" "${output}/${stem}.pb.h"
      COMMAND "${SKINK_NANOPB_GENERATOR}" --quiet --no-timestamp --error-on-unmatched "--proto-path=${proto_folder}"
              "--output-dir=${output}" "${proto}"
      DEPENDS ${inputs}
      COMMENT "nanopb: ${stem}.proto"
      VERBATIM)
    list(APPEND generated "${output}/${stem}.pb.c" "${output}/${stem}.pb.h")
  endforeach()
  add_library(skink_wire_generated STATIC ${generated})
  # SYSTEM: generated code and nanopb's macros answer for themselves.
  target_include_directories(skink_wire_generated SYSTEM PUBLIC "$<BUILD_INTERFACE:${root}>"
                                                                "$<BUILD_INTERFACE:${root}/nanopb>")
  target_link_libraries(skink_wire_generated PUBLIC $<BUILD_INTERFACE:$<LINK_ONLY:nanopb::protobuf-nanopb-static>>
                                                    $<INSTALL_INTERFACE:nanopb::protobuf-nanopb-static>)
  set_target_properties(skink_wire_generated PROPERTIES SKINK_ALIAS skink::wire_generated)
  skink_install_library(skink_wire_generated common)
  if(SKINK_INSTALL)
    install(DIRECTORY "${root}/skink/" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/skink" COMPONENT common
            FILES_MATCHING PATTERN "*.pb.h")
  endif()
  target_compile_options(skink_wire_generated PRIVATE -w)
  skink_apply_arithmetic_and_sanitizers(skink_wire_generated)
endfunction()
