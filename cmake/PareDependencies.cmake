# SPDX-License-Identifier: Apache-2.0
# Why each is used: docs/dependencies.md.
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(HDF5 REQUIRED COMPONENTS C)
include(PareHdf5)          # pare_libhdf5: the static library where it stands alone
find_package(DNNL REQUIRED)
include(PareProtobuf)      # pare_libprotobuf, pare_protobuf()
include(PareCrypto)        # pare_libcrypto: SHA-256
find_package(ZLIB REQUIRED)
find_package(PNG REQUIRED)
find_package(JPEG REQUIRED)
if(PARE_TESTS)
  find_package(doctest REQUIRED)
endif()
