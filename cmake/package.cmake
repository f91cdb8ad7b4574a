# The library as others use it: `cmake --install`, find_package(c10k), pkg-config c10k; and two Debian packages (target
# deb), libc10k-dev and python3-c10k.

include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(cmake_folder ${CMAKE_INSTALL_LIBDIR}/cmake/c10k)
set(share_folder ${CMAKE_INSTALL_DATADIR}/c10k)
set(doc_folder ${CMAKE_INSTALL_DATADIR}/doc/libc10k-dev)

set_target_properties(c10k_testkit PROPERTIES EXPORT_NAME testkit)
install(TARGETS c10k c10k_testkit EXPORT c10k-targets INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT c10k-targets NAMESPACE c10k:: DESTINATION ${cmake_folder})
configure_package_config_file(cmake/c10k-config.cmake.in c10k-config.cmake INSTALL_DESTINATION ${cmake_folder})
write_basic_package_version_file(c10k-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/c10k-config.cmake ${CMAKE_BINARY_DIR}/c10k-config-version.cmake
    DESTINATION ${cmake_folder})

configure_file(cmake/c10k.pc.in c10k.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/c10k.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(DIRECTORY include/c10k DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING REGEX "/[^./][^/]*\\.hpp$")
install(TARGETS c10k_tool)
foreach(name c10k manage)
    install(FILES ${CMAKE_BINARY_DIR}/usage/${name}.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
        RENAME ${name})
endforeach()
install(FILES ${CMAKE_BINARY_DIR}/usage/c10k.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${CMAKE_BINARY_DIR}/usage/manage.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 RENAME c10k-manage.1)
install(DIRECTORY share/ DESTINATION ${share_folder} USE_SOURCE_PERMISSIONS)
install(FILES README.md CHANGELOG.md DESTINATION ${doc_folder})
install(FILES LICENSE DESTINATION ${doc_folder} RENAME copyright)
install(DIRECTORY docs examples DESTINATION ${doc_folder} PATTERN build EXCLUDE
    REGEX "/\\.[^/]*$" EXCLUDE)

# ---- The Debian packages

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "The c10k authors <c10k@localhost>")
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # each description below begins with a synopsis of its own

# The library. What it needs is what a program on it needs to be built: all that the library itself needs, less the
# headers that stay in its own .cpp files, and what the tests of a project link.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS tools/packages.sh)
execute_process(COMMAND bash -c "source tools/packages.sh && IFS=';' && echo \"\${build_packages[*]}\""
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE needed OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
list(REMOVE_ITEM needed libkainjow-mustache-dev)
list(APPEND needed libgtest-dev)
list(JOIN needed ", " CPACK_DEBIAN_UNSPECIFIED_PACKAGE_DEPENDS)

set(CPACK_COMPONENTS_ALL Unspecified)  # what belongs to no other
set(CPACK_DEBIAN_UNSPECIFIED_PACKAGE_NAME libc10k-dev)
set(CPACK_COMPONENT_UNSPECIFIED_DESCRIPTION "${PROJECT_DESCRIPTION}
Static library, headers, and the program c10k, which makes projects and
apps. Routes lead to views as in Django, and a WebSocket view is a coroutine
that lives as long as its connection.")
set(CPACK_DEBIAN_UNSPECIFIED_PACKAGE_RECOMMENDS "pkgconf, mold | lld")
set(CPACK_DEBIAN_UNSPECIFIED_PACKAGE_SECTION libdevel)
set(packaged c10k c10k_testkit c10k_tool c10k_plain_manage)

# The Python package. The extension is for one version of Python; dpkg-shlibdeps finds the libraries that it links.
if(TARGET _c10k)
    list(APPEND CPACK_COMPONENTS_ALL python)
    list(APPEND packaged _c10k)
    math(EXPR next_minor "${Python3_VERSION_MINOR} + 1")
    set(CPACK_DEBIAN_PYTHON_PACKAGE_NAME python3-c10k)
    set(CPACK_DEBIAN_PYTHON_PACKAGE_DEPENDS
        "python3 (>= ${Python3_VERSION_MAJOR}.${Python3_VERSION_MINOR}), python3 (<< ${Python3_VERSION_MAJOR}.${next_minor})")
    set(CPACK_DEBIAN_PYTHON_PACKAGE_SHLIBDEPS ON)
    set(CPACK_DEBIAN_PYTHON_PACKAGE_RECOMMENDS "python3-django (>= 3:3.2)")
    set(CPACK_DEBIAN_PYTHON_PACKAGE_SECTION python)
    set(CPACK_DEBIAN_PYTHON_PACKAGE_CONTROL_EXTRA
        "${CMAKE_SOURCE_DIR}/python/debian/postinst;${CMAKE_SOURCE_DIR}/python/debian/prerm")
    set(CPACK_COMPONENT_PYTHON_DESCRIPTION "WebSockets in Django, and an ASGI server
The app c10ktools serves WebSockets by views in Django's URLconf, beside
pages. The command python3 -m c10k serves any ASGI application, such as
Channels, Starlette and FastAPI.")
endif()
include(CPack)

add_custom_target(deb
    COMMAND bash -c "command -v dpkg-shlibdeps || { echo 'dpkg-shlibdeps is missing: apt-get install dpkg-dev' >&2 && exit 1 $<SEMICOLON> }"
    COMMAND ${CMAKE_CPACK_COMMAND} -G DEB DEPENDS ${packaged} USES_TERMINAL VERBATIM)
