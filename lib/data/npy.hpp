// SPDX-License-Identifier: Apache-2.0
// The NPY format (NumPy enhancement proposal 1, versions 1.0 to 3.0): a magic string, a Python
// literal with type, order and shape, then the values. The literal is parsed, never evaluated.
#pragma once

#include <span>
#include <string>

#include "lib/data/named_arrays.hpp"

namespace pare::data {

bool is_npy(std::span<const std::byte> head);

// Views `file` where it can (the caller then sets the owner); big-endian and Fortran-ordered arrays
// are copied into row-major little-endian order. Throws Error(subject) on a malformed header,
// objects or structured types, and when the values are not exactly as many as the shape says.
NamedArray parse_npy(std::span<const std::byte> file, const std::string& name,
                     const std::string& subject);

}  // namespace pare::data
