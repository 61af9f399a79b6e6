# SPDX-License-Identifier: Apache-2.0
# libtorch without Caffe2's CMake package, which drags in protobuf, MKL and CUDA probing.
# Defines LibTorch::torch and LIBTORCH_VERSION. -DLibTorch_ROOT=DIR looks into an unpacked archive.
find_path(LIBTORCH_INCLUDE_DIR ATen/ATen.h)
find_library(LIBTORCH_CPU_LIBRARY torch_cpu)
find_library(LIBTORCH_C10_LIBRARY c10)
if(LIBTORCH_INCLUDE_DIR)
  find_file(LIBTORCH_VERSION_HEADER torch/version.h
            PATHS ${LIBTORCH_INCLUDE_DIR} ${LIBTORCH_INCLUDE_DIR}/torch/csrc/api/include
            NO_DEFAULT_PATH)
  if(LIBTORCH_VERSION_HEADER)
    file(STRINGS ${LIBTORCH_VERSION_HEADER} _lines
         REGEX "#define TORCH_VERSION_(MAJOR|MINOR|PATCH) [0-9]+")
    string(REGEX REPLACE ".*MAJOR ([0-9]+).*MINOR ([0-9]+).*PATCH ([0-9]+).*" "\\1.\\2.\\3"
           LIBTORCH_VERSION "${_lines}")
  endif()
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LIBTORCH_CPU_LIBRARY LIBTORCH_C10_LIBRARY LIBTORCH_INCLUDE_DIR
  VERSION_VAR LIBTORCH_VERSION)
if(LibTorch_FOUND AND NOT TARGET LibTorch::torch)
  add_library(LibTorch::torch INTERFACE IMPORTED GLOBAL)
  target_include_directories(LibTorch::torch SYSTEM INTERFACE ${LIBTORCH_INCLUDE_DIR})
  # torch_cpu registers its kernels in static initialisers: it must be linked even where the linker
  # sees no symbol used.
  target_link_libraries(LibTorch::torch INTERFACE -Wl,--no-as-needed ${LIBTORCH_CPU_LIBRARY}
                        -Wl,--as-needed ${LIBTORCH_C10_LIBRARY})
endif()
