# SPDX-License-Identifier: Apache-2.0
# Debian's shared libhdf5 loads curl, Kerberos, LDAP and thirty more libraries, which costs 6 ms of CPU
# at every start. The static one of Debian 12 needs none of them; where it does (Debian 13), the shared
# one is linked. Defines the target pare_libhdf5.
include(CheckCSourceCompiles)
add_library(pare_libhdf5 INTERFACE)
target_include_directories(pare_libhdf5 SYSTEM INTERFACE ${HDF5_C_INCLUDE_DIRS})

find_library(HDF5_STATIC_LIBRARY libhdf5_serial.a)
set(_hdf5_static ${HDF5_STATIC_LIBRARY} z m dl sz pthread)
if(HDF5_STATIC_LIBRARY)
  set(CMAKE_REQUIRED_INCLUDES ${HDF5_C_INCLUDE_DIRS})
  set(CMAKE_REQUIRED_LIBRARIES ${_hdf5_static})
  check_c_source_compiles("#include <hdf5.h>\nint main(void) { return H5open(); }"
                          HDF5_STATIC_STANDS_ALONE)
  unset(CMAKE_REQUIRED_INCLUDES)
  unset(CMAKE_REQUIRED_LIBRARIES)
endif()
if(HDF5_STATIC_STANDS_ALONE)
  # Debian's static library is no position-independent code: libpare.so links the shared one.
  set(_in_shared "$<STREQUAL:$<TARGET_PROPERTY:TYPE>,SHARED_LIBRARY>")
  target_link_libraries(pare_libhdf5 INTERFACE "$<${_in_shared}:hdf5::hdf5>")
  foreach(library ${_hdf5_static})
    target_link_libraries(pare_libhdf5 INTERFACE "$<$<NOT:${_in_shared}>:${library}>")
  endforeach()
else()
  target_link_libraries(pare_libhdf5 INTERFACE hdf5::hdf5)
endif()
