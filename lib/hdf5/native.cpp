// SPDX-License-Identifier: Apache-2.0
#include "lib/hdf5/native.hpp"

#include "lib/core/error.hpp"

namespace pare::hdf5 {

namespace {

// IEEE 754 binary16: sign 15, exponent 10..14 biased by 15, mantissa 0..9.
Handle half_type() {
  Handle type(H5Tcopy(H5T_IEEE_F32LE));
  H5Tset_fields(type, 15, 10, 5, 0, 10);
  H5Tset_size(type, 2);
  H5Tset_ebias(type, 15);
  return type;
}

Handle text_type(size_t bytes) {
  Handle type(H5Tcopy(H5T_C_S1));
  H5Tset_size(type, bytes);
  H5Tset_strpad(type, H5T_STR_NULLPAD);
  return type;
}

std::mutex& library_mutex() {
  static std::mutex mutex;
  // libhdf5's clean-up at exit crashes on what a failed write left open; every file is closed by
  // its owner, so there is nothing for it to do. Must come before anything else in the library.
  static const bool once = H5dont_atexit() >= 0;
  (void)once;
  return mutex;
}

}  // namespace

Handle native_type(Element element, size_t text_bytes) {
  switch (element) {
    case Element::kI8:
      return Handle(H5Tcopy(H5T_STD_I8LE));
    case Element::kU8:
      return Handle(H5Tcopy(H5T_STD_U8LE));
    case Element::kI16:
      return Handle(H5Tcopy(H5T_STD_I16LE));
    case Element::kU16:
      return Handle(H5Tcopy(H5T_STD_U16LE));
    case Element::kI32:
      return Handle(H5Tcopy(H5T_STD_I32LE));
    case Element::kU32:
      return Handle(H5Tcopy(H5T_STD_U32LE));
    case Element::kI64:
      return Handle(H5Tcopy(H5T_STD_I64LE));
    case Element::kU64:
      return Handle(H5Tcopy(H5T_STD_U64LE));
    case Element::kF16:
      return half_type();
    case Element::kF32:
      return Handle(H5Tcopy(H5T_IEEE_F32LE));
    case Element::kF64:
      return Handle(H5Tcopy(H5T_IEEE_F64LE));
    case Element::kText:
      return text_type(text_bytes);
  }
  throw Bug("every element has an HDF5 type");
}

LibraryLock::LibraryLock() : lock_(library_mutex()) {
  // Errors are printed by each thread's own setting.
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

}  // namespace pare::hdf5
