# Debian packages, by cpack (scripts/package-deb). Maintainer scripts, copyright and lintian overrides: debian/.

set(debian "${CMAKE_CURRENT_SOURCE_DIR}/debian")
set(made "${CMAKE_CURRENT_BINARY_DIR}/debian")
file(MAKE_DIRECTORY "${made}")
set(library_components common edge host coordinator_core simulations)

# /usr/share/doc/<package>: who may copy it, what changed.
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
foreach(package skink-coordinator skink-edge skink-sim skink-tools libskink-dev)
  set(component ${package})
  if(package STREQUAL "libskink-dev")
    set(component common)
  endif()
  set(documents "${CMAKE_INSTALL_DATADIR}/doc/${package}")
  configure_file("${debian}/changelog.in" "${made}/${package}/changelog.Debian" @ONLY)
  execute_process(COMMAND gzip -9nf "${made}/${package}/changelog.Debian" COMMAND_ERROR_IS_FATAL ANY)
  configure_file("${PROJECT_SOURCE_DIR}/CHANGELOG.md" "${made}/${package}/changelog" COPYONLY)
  execute_process(COMMAND gzip -9nf "${made}/${package}/changelog" COMMAND_ERROR_IS_FATAL ANY)
  install(FILES debian/copyright "${made}/${package}/changelog.Debian.gz" "${made}/${package}/changelog.gz"
          DESTINATION "${documents}" COMPONENT ${component})
  if(EXISTS "${debian}/${package}.lintian-overrides")
    install(FILES "debian/${package}.lintian-overrides" RENAME ${package}
            DESTINATION "${CMAKE_INSTALL_DATADIR}/lintian/overrides" COMPONENT ${component})
  endif()
endforeach()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME skink)
set(CPACK_PACKAGE_VENDOR Skink)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "") # each has its own
set(CPACK_PACKAGE_CONTACT "The authors of Skink <skink@localhost>")
set(CPACK_PACKAGING_INSTALL_PREFIX "/usr")
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_COMPONENTS_ALL skink-coordinator skink-edge skink-sim skink-tools ${library_components})
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE "${SKINK_DEBIAN_REVISION}")
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "aarch64")
  set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE arm64)
endif()

# skink_package(<component> <name> <section> <summary> <description>): its control file; lines of the description are
# indented by cpack.
macro(skink_package component name section summary description)
  string(TOUPPER "${component}" upper)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${name})
  set(CPACK_DEBIAN_${upper}_PACKAGE_SECTION ${section})
  set(CPACK_DEBIAN_${upper}_DESCRIPTION "${summary}\n${description}")
  set(CPACK_COMPONENT_${upper}_DESCRIPTION "${summary}\n${description}")
endmacro()

set(about "Skink is federated meta-learning for fleets of microcontrollers: a coordinator
learns one initialization of a small neural network, each device adapts it to
its own samples and sends back only a compressed change.\n.\n")
skink_package(skink-coordinator skink-coordinator net "leads a fleet of devices that learn together"
  "${about}This is the service for the gateway: it leads runs, keeps the models and
releases them to the devices, over an MQTT broker with TLS.")
skink_package(skink-edge skink-edge net "devices of a Skink fleet as a process"
  "${about}This is the device as a process, for gateways, Linux boards and trials.")
skink_package(skink-sim skink-sim science "simulates fleets of devices that learn together"
  "${about}This is the simulator: the arithmetic of the devices, bit for bit, for fleets
that do not exist yet.")
skink_package(skink-tools skink-tools net "operates a fleet of devices that learn together"
  "${about}This is skinkctl, which operates the service and makes the keys of devices.")
skink_package(dev libskink-dev libdevel "libraries of Skink for other projects"
  "${about}These are the static libraries and headers of the client, the coordinator's
core and the simulator, for find_package(skink).")

foreach(component IN LISTS library_components)
  string(TOUPPER "${component}" upper)
  set(CPACK_COMPONENT_${upper}_GROUP dev)
endforeach()

set(sysusers "systemd | systemd-standalone-sysusers | systemd-sysusers")
set(CPACK_DEBIAN_SKINK-COORDINATOR_PACKAGE_DEPENDS "${sysusers}")
set(CPACK_DEBIAN_SKINK-COORDINATOR_PACKAGE_RECOMMENDS "mosquitto, skink-tools")
set(CPACK_DEBIAN_SKINK-EDGE_PACKAGE_DEPENDS "${sysusers}")
set(CPACK_DEBIAN_SKINK-TOOLS_PACKAGE_RECOMMENDS "openssl, python3")
set(CPACK_DEBIAN_SKINK-TOOLS_PACKAGE_SUGGESTS "mosquitto")
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS
    "libboost1.81-dev, libfmt-dev, libmbedtls-dev, libnanopb-dev, libpaho-mqtt-dev, libpaho-mqttpp-dev, libssl-dev, libtomlplusplus-dev")
set(CPACK_DEBIAN_DEV_PACKAGE_SHLIBDEPS OFF)

foreach(package skink-coordinator skink-edge)
  string(TOUPPER "${package}" upper)
  set(scripts "")
  foreach(script postinst prerm postrm conffiles)
    list(APPEND scripts "${debian}/${package}/${script}")
  endforeach()
  set(CPACK_DEBIAN_${upper}_PACKAGE_CONTROL_EXTRA "${scripts}")
endforeach()
include(CPack)
