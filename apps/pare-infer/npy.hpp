// SPDX-License-Identifier: Apache-2.0
// One array in NumPy's .npy format (NEP 1): little-endian, C order, f4 f8 i1 u1 i4 i8.
#pragma once

#include <string>
#include <vector>

#include "lib/ir/shape.hpp"

namespace pare::infer {

struct Array {
  ir::Dims dims;
  std::vector<double> values;  // every supported element type fits exactly, i8 up to 2^53
  bool integer = false;
};

// Throws Error(path, ...) on anything but a well-formed file of that kind.
Array read_npy(const std::string& path);
// Writes f4 in C order, atomically.
void write_npy(const std::string& path, const ir::Dims& dims, std::span<const float> values);

}  // namespace pare::infer
