# `cmake --install BUILD --prefix DIR`: the programs, the libraries as components with their public headers, and
# skinkConfig.cmake, so that another project says
#
#   find_package(skink 0.1 REQUIRED COMPONENTS edge)      # common | edge | host | coordinator_core | simulations
#   target_link_libraries(product PRIVATE skink::edge)
#
#   skink_install_library(<target> <component>)            each library says its own (skink_add_library(... COMPONENT))
#   skink_install_headers(<component> <layer> [<room>...]) of a layer, or of some of its rooms: what is installed is public
#   skink_install_config()                                 at the end of the top-level CMakeLists.txt

include_guard(GLOBAL)
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(SKINK_PACKAGE_FOLDER "${CMAKE_INSTALL_LIBDIR}/cmake/skink")
set_property(GLOBAL PROPERTY skink_components "")

function(skink_install_library target component)
  if(NOT SKINK_INSTALL)
    return()
  endif()
  get_property(components GLOBAL PROPERTY skink_components)
  list(APPEND components ${component})
  list(REMOVE_DUPLICATES components)
  set_property(GLOBAL PROPERTY skink_components "${components}")
  add_dependencies(skink_programs ${target}) # whoever builds the programs can install
  get_target_property(alias ${target} SKINK_ALIAS)
  string(REPLACE "skink::" "" alias "${alias}")
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${alias})
  install(TARGETS ${target} EXPORT skink_${component}
          ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT ${component}
          INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
endfunction()

function(skink_install_headers component layer)
  if(NOT SKINK_INSTALL)
    return()
  endif()
  set(from "${PROJECT_SOURCE_DIR}/${layer}/include/skink/${layer}")
  set(to "${CMAKE_INSTALL_INCLUDEDIR}/skink/${layer}")
  if(NOT ARGN)
    install(DIRECTORY "${from}/" DESTINATION "${to}" COMPONENT ${component} FILES_MATCHING PATTERN "*.hpp")
  endif()
  foreach(room IN LISTS ARGN)
    install(DIRECTORY "${from}/${room}/" DESTINATION "${to}/${room}" COMPONENT ${component}
            FILES_MATCHING PATTERN "*.hpp")
  endforeach()
endfunction()

function(skink_install_config)
  get_property(components GLOBAL PROPERTY skink_components)
  foreach(component IN LISTS components)
    install(EXPORT skink_${component} NAMESPACE skink:: FILE skink_${component}.cmake
            DESTINATION "${SKINK_PACKAGE_FOLDER}" COMPONENT ${component})
  endforeach()
  list(JOIN components " " skink_built_components)
  configure_package_config_file(
    "${PROJECT_SOURCE_DIR}/cmake/skinkConfig.cmake.in" "${PROJECT_BINARY_DIR}/skinkConfig.cmake"
    INSTALL_DESTINATION "${SKINK_PACKAGE_FOLDER}" NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
  write_basic_package_version_file("${PROJECT_BINARY_DIR}/skinkConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
  install(FILES "${PROJECT_BINARY_DIR}/skinkConfig.cmake" "${PROJECT_BINARY_DIR}/skinkConfigVersion.cmake"
                "${PROJECT_SOURCE_DIR}/cmake/FindMbedTLS.cmake"
          DESTINATION "${SKINK_PACKAGE_FOLDER}" COMPONENT common)
endfunction()
