// SPDX-License-Identifier: Apache-2.0
// Walking row-major tensors of any rank: strides, broadcasting, and an odometer over indices.
#pragma once

#include <algorithm>
#include <array>
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

// As walk(), for N operands with strides of their own: body(i, offsets).
template <size_t N, class Body>
void walk_together(const ir::Dims& dims, const std::array<std::vector<int64_t>, N>& strides,
                   std::vector<int64_t>& index, const Body& body) {
  int64_t count = 1;
  for (const int64_t d : dims) count *= d;
  std::fill(index.begin(), index.end(), 0);
  std::array<int64_t, N> offsets{};
  for (int64_t i = 0; i < count; ++i) {
    body(i, offsets);
    for (size_t d = dims.size(); d-- > 0;) {
      for (size_t n = 0; n < N; ++n) offsets[n] += strides[n][d];
      if (++index[d] < dims[d]) break;
      for (size_t n = 0; n < N; ++n) offsets[n] -= strides[n][d] * dims[d];
      index[d] = 0;
    }
  }
}

// A tensor seen as [outer, length, inner] around one axis.
struct AxisView {
  int64_t outer = 1, length = 1, inner = 1;
  AxisView(const ir::Dims& dims, size_t axis) : length(dims.at(axis)) {
    for (size_t d = 0; d < axis; ++d) outer *= dims[d];
    for (size_t d = axis + 1; d < dims.size(); ++d) inner *= dims[d];
  }
  // Calls body(offset of the first element) for every line along the axis.
  template <class Body>
  void for_each_line(const Body& body) const {
    for (int64_t o = 0; o < outer; ++o) {
      for (int64_t i = 0; i < inner; ++i) body(o * length * inner + i);
    }
  }
};

}  // namespace pare::runtime
