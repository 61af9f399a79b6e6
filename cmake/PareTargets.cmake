# SPDX-License-Identifier: Apache-2.0
# pare_library(pare_ir SOURCES a.cpp b.cpp DEPS pare_core)          a static library
# pare_executable(pare-infer SOURCES main.cpp DEPS pare_runtime)   build/bin/pare-infer
# pare_test(ir SOURCES graph_test.cpp DEPS pare_ir)                 test executable and ctest entry
# Includes are written from the top of the tree ("lib/ir/graph.hpp").
add_library(pare_options INTERFACE)
target_include_directories(pare_options INTERFACE ${PROJECT_SOURCE_DIR})
target_link_libraries(pare_options INTERFACE OpenMP::OpenMP_CXX nlohmann_json::nlohmann_json)
target_compile_definitions(pare_options INTERFACE PARE_VERSION="${PROJECT_VERSION}")

# Nearly every file sees nlohmann's header, which takes longer to parse than most files to compile:
# it is precompiled once, for all targets that share pare_core's flags. Files with flags of their own
# set SKIP_PRECOMPILE_HEADERS; libtorch's targets define macros that change the standard library.
set(CMAKE_PCH_WARN_INVALID OFF)
function(pare_precompile name)
  if("${ARGN}" MATCHES "torch")
    return()
  endif()
  # clang takes no header that was compiled for libraries (-fPIC) in executables (-fPIE).
  get_target_property(type ${name} TYPE)
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang" AND type STREQUAL "EXECUTABLE")
    return()
  endif()
  if(name STREQUAL pare_core)
    target_precompile_headers(pare_core PRIVATE
      <nlohmann/json.hpp> <algorithm> <filesystem> <functional> <map> <memory> <optional> <span>
      <string> <vector>)
  else()
    target_precompile_headers(${name} REUSE_FROM pare_core)
  endif()
endfunction()

function(pare_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC pare_options ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS})
  pare_precompile(${name} ${ARG_DEPS})
endfunction()

function(pare_executable name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE pare_options ${ARG_DEPS})
  pare_precompile(${name} ${ARG_DEPS})
endfunction()

function(pare_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(test_${name} ${ARG_SOURCES})
  target_link_libraries(test_${name} PRIVATE pare_test_main pare_options ${ARG_DEPS})
  pare_precompile(test_${name} ${ARG_DEPS})
  set_target_properties(test_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND test_${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES ENVIRONMENT
    "PARE_BIN=${CMAKE_RUNTIME_OUTPUT_DIRECTORY};PARE_TEST_DATA=${PROJECT_SOURCE_DIR}/../shared/data")
endfunction()
