# Manual page and completion of a program, made from its command line (`program --print-command-tree`):
#
#   skink_add_documents(<program> <component>)     -> <build>/documents/<program>.1, .bash, _<program>; installed
#
# Where programs are built that this machine cannot run, not even with an emulator, there are none.

include_guard(GLOBAL)

function(skink_add_documents program component)
  if(CMAKE_CROSSCOMPILING AND NOT CMAKE_CROSSCOMPILING_EMULATOR)
    return()
  endif()
  set(folder "${PROJECT_BINARY_DIR}/documents")
  file(MAKE_DIRECTORY "${folder}")
  set(tree "${folder}/${program}.tree")
  set(script "${PROJECT_SOURCE_DIR}/cmake/command_documents.py")
  set(page "${PROJECT_SOURCE_DIR}/packaging/man/${program}.txt")
  set(codes "${PROJECT_SOURCE_DIR}/docs/exit-codes.md")
  set(made "${folder}/${program}.1" "${folder}/${program}.bash" "${folder}/_${program}")
  set(page_file "${folder}/${program}.1")
  set(compress "")
  if(SKINK_DEBIAN)
    set(compress COMMAND gzip -9nkf "${page_file}")
    set(page_file "${page_file}.gz")
    list(APPEND made "${page_file}")
  endif()
  add_custom_command(
    OUTPUT ${made}
    COMMAND ${program} --print-command-tree > "${tree}"
    COMMAND "${SKINK_PYTHON}" "${script}" "${tree}" --page "${page}" --exit-codes "${codes}"
            --version "${PROJECT_VERSION}" --out "${folder}"
    ${compress}
    DEPENDS ${program} "${script}" "${page}" "${codes}"
    COMMENT "Manual page and completion of ${program}"
    VERBATIM)
  add_custom_target(${program}_documents ALL DEPENDS ${made})
  add_dependencies(skink_programs ${program}_documents)
  install(FILES "${page_file}" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1" COMPONENT ${component})
  install(FILES "${folder}/${program}.bash" RENAME ${program}
          DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" COMPONENT ${component})
  install(FILES "${folder}/_${program}" DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions"
          COMPONENT ${component})
endfunction()
