// SPDX-License-Identifier: Apache-2.0
// Walking row-major tensors of any rank: strides, broadcasting, and an odometer over indices.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "lib/ir/shape.hpp"

namespace pare::runtime {

inline std::vector<int64_t> row_major_strides(const ir::Dims& dims) {
  std::vector<int64_t> strides(dims.size(), 1);
  for (size_t i = dims.size(); i-- > 1;) strides[i - 1] = strides[i] * dims[i];
  return strides;
}

// Strides with which `dims` is read while walking `over` (right-aligned, 0 where it is repeated).
inline std::vector<int64_t> broadcast_strides(const ir::Dims& dims, const ir::Dims& over) {
  const std::vector<int64_t> own = row_major_strides(dims);
  std::vector<int64_t> strides(over.size(), 0);
  const size_t shift = over.size() - dims.size();
  for (size_t i = 0; i < dims.size(); ++i) strides[i + shift] = dims[i] == 1 ? 0 : own[i];
  return strides;
}

// Negative axes count from the end.
inline size_t normal_axis(int64_t axis, size_t rank) {
  return static_cast<size_t>(axis < 0 ? axis + static_cast<int64_t>(rank) : axis);
}

// Calls body(i, offset) for every element i of `dims` in row-major order with the offset that
// `strides` gives it. `index` is the caller's buffer of dims.size() counters, so nothing is
// allocated.
template <class Body>
void walk(const ir::Dims& dims, const std::vector<int64_t>& strides, std::vector<int64_t>& index,
          const Body& body) {
  int64_t count = 1;
  for (const int64_t d : dims) count *= d;
  std::fill(index.begin(), index.end(), 0);
  int64_t offset = 0;
  for (int64_t i = 0; i < count; ++i) {
    body(i, offset);
    for (size_t d = dims.size(); d-- > 0;) {
      offset += strides[d];
      if (++index[d] < dims[d]) break;
      offset -= strides[d] * dims[d];
      index[d] = 0;
    }
  }
}

}  // namespace pare::runtime
