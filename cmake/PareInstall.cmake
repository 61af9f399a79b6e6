# SPDX-License-Identifier: Apache-2.0
# cmake --install, and packages of it: cpack -G DEB (pare, and pare-train with its libtorch), cpack -G TGZ.
# Manual pages and completion scripts are written by the pare that was built.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS pare pare-infer RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT main)
if(TARGET pare-train)
  # Where pare looks for it beside its own folder; never on PATH.
  install(TARGETS pare-train RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/pare COMPONENT train)
endif()

# find_package(pare) gives pare::pare, the C interface.
set_target_properties(pare_shared PROPERTIES EXPORT_NAME pare)
target_include_directories(pare_shared INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
install(TARGETS pare_shared EXPORT pareTargets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT main)
install(FILES apps/libpare/pare.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT main)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/pare)
install(EXPORT pareTargets NAMESPACE pare:: DESTINATION ${package_folder} COMPONENT main)
file(WRITE ${CMAKE_BINARY_DIR}/pareConfig.cmake
     "include(\"\${CMAKE_CURRENT_LIST_DIR}/pareTargets.cmake\")\n")
write_basic_package_version_file(${CMAKE_BINARY_DIR}/pareConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/pareConfig.cmake ${CMAKE_BINARY_DIR}/pareConfigVersion.cmake
        DESTINATION ${package_folder} COMPONENT main)

set(pages ${CMAKE_BINARY_DIR}/pages)
add_custom_command(
  OUTPUT ${pages}/man1/pare.1 ${pages}/pare.bash ${pages}/_pare ${pages}/pare.fish
  COMMAND pare man -o ${pages}/man1
  COMMAND pare completion bash > ${pages}/pare.bash
  COMMAND pare completion zsh > ${pages}/_pare
  COMMAND pare completion fish > ${pages}/pare.fish
  DEPENDS pare VERBATIM)
add_custom_target(pages ALL DEPENDS ${pages}/man1/pare.1)
install(DIRECTORY ${pages}/man1 DESTINATION ${CMAKE_INSTALL_MANDIR} COMPONENT main)
install(FILES ${pages}/pare.bash RENAME pare COMPONENT main
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${pages}/_pare COMPONENT main
        DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
install(FILES ${pages}/pare.fish COMPONENT main
        DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)

install(FILES docs/recipe.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/pare COMPONENT main)
install(FILES README.md LICENSE NOTICE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT main)
install(DIRECTORY docs examples DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT main)
# Where Debian looks for the licence of a package.
install(FILES LICENSE RENAME copyright DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/pare COMPONENT main)
if(TARGET pare-train)
  install(FILES LICENSE RENAME copyright DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/pare-train
          COMPONENT train)
endif()

set(CPACK_GENERATOR DEB TGZ)
set(CPACK_PACKAGE_NAME pare)
set(CPACK_PACKAGE_VENDOR "the pare project")
# Nobody is named unless whoever hands packages on says who answers for them.
set(PARE_PACKAGE_CONTACT "the pare project" CACHE STRING "Maintainer of packages: Name <address>")
set(PARE_PACKAGE_HOMEPAGE "" CACHE STRING "Homepage of packages")
set(CPACK_PACKAGE_CONTACT "${PARE_PACKAGE_CONTACT}")
if(PARE_PACKAGE_HOMEPAGE)
  set(CPACK_DEBIAN_PACKAGE_HOMEPAGE "${PARE_PACKAGE_HOMEPAGE}")
endif()
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY ${PROJECT_DESCRIPTION})
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
# Two Debian packages: libtorch is needed by training alone. One tarball.
set(CPACK_COMPONENTS_ALL main)
if(TARGET pare-train)
  list(APPEND CPACK_COMPONENTS_ALL train)
endif()
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_MAIN_PACKAGE_NAME pare)
set(CPACK_DEBIAN_TRAIN_PACKAGE_NAME pare-train)
set(CPACK_COMPONENT_MAIN_DESCRIPTION "Commands, runtime, C library, documentation")
set(CPACK_COMPONENT_TRAIN_DESCRIPTION "Training and reading TorchScript, with libtorch")
set(CPACK_DEBIAN_TRAIN_PACKAGE_DEPENDS "pare (= ${PROJECT_VERSION})")
include(CPack)
