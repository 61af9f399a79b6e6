// SPDX-License-Identifier: Apache-2.0
// The header of an NPY array: a Python dictionary as text. Parsed, never evaluated. Internal to
// lib/numpy.
#pragma once

#include <string>
#include <string_view>

#include "lib/numpy/array.hpp"

namespace pare::numpy {

struct Header {
  ElementType type;
  bool big_endian = false;
  bool fortran_order = false;
  ir::Dims shape;
};

// Throws Error(subject) on anything but the three entries NumPy writes, and on types that are
// neither numbers nor text.
Header parse_header(std::string_view text, const std::string& subject);
// "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }"
std::string print_header(ElementType type, const ir::Dims& shape);

}  // namespace pare::numpy
