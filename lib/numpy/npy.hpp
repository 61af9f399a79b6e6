// SPDX-License-Identifier: Apache-2.0
// The NPY format (NumPy enhancement proposal 1, versions 1.0 to 3.0): a magic string, a Python
// dictionary with type, order and shape as text, then the values. Written as version 1.0 in
// row-major little-endian order, the values at a multiple of 64 bytes.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "lib/numpy/array.hpp"

namespace pare::numpy {

bool is_npy(std::span<const std::byte> head);

// Views `file`, which `owner` keeps valid, where it can; big-endian and Fortran-ordered arrays are
// copied into row-major little-endian order. Throws Error(subject) on a malformed header, objects
// or structured types, and when the values are not exactly as many as the shape says.
Array parse_npy(std::span<const std::byte> file, std::shared_ptr<const void> owner,
                const std::string& subject);
// The same for a file, mapped.
Array read_npy(const std::string& path);

// What precedes the values: magic, version, header, padding.
std::string npy_start(const Array& array);
// Atomic. Throws Error(path) when it cannot be written.
void write_npy(const Array& array, const std::string& path);

}  // namespace pare::numpy
