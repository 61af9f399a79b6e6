# SPDX-License-Identifier: Apache-2.0
# Defines the target pare_libcrypto: SHA-256 of OpenSSL's libcrypto, from the static library where there
# is one. Of that the linker takes 40 KB; the shared one has 17,000 addresses to relocate and tables of
# algorithms to fill, which cost 2 ms of CPU at every start.
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
include(CheckCSourceCompiles)
add_library(pare_libcrypto INTERFACE)
target_include_directories(pare_libcrypto SYSTEM INTERFACE ${OPENSSL_INCLUDE_DIR})
find_library(CRYPTO_STATIC_LIBRARY libcrypto.a)
if(CRYPTO_STATIC_LIBRARY)
  set(CMAKE_REQUIRED_INCLUDES ${OPENSSL_INCLUDE_DIR})
  set(CMAKE_REQUIRED_LIBRARIES ${CRYPTO_STATIC_LIBRARY})
  set(CMAKE_REQUIRED_DEFINITIONS -DOPENSSL_SUPPRESS_DEPRECATED)
  check_c_source_compiles("#include <openssl/sha.h>\nint main(void) { SHA256_CTX c; return SHA256_Init(&c); }"
                          CRYPTO_STATIC_STANDS_ALONE)
  unset(CMAKE_REQUIRED_INCLUDES)
  unset(CMAKE_REQUIRED_LIBRARIES)
  unset(CMAKE_REQUIRED_DEFINITIONS)
endif()
if(CRYPTO_STATIC_STANDS_ALONE)
  target_link_libraries(pare_libcrypto INTERFACE ${CRYPTO_STATIC_LIBRARY})
  # Ours alone: what a shared library brings its own libcrypto for must not find these.
  target_link_options(pare_libcrypto INTERFACE -Wl,--exclude-libs,libcrypto.a)
else()
  target_link_libraries(pare_libcrypto INTERFACE OpenSSL::Crypto)
endif()
