// SPDX-License-Identifier: Apache-2.0
// Splitting a tensor's dimensions into those that are reduced and those that stay.
#pragma once

#include "lib/runtime/kernels/averaging.hpp"
#include "lib/runtime/kernels/strides.hpp"

namespace pare::runtime::reference {

// Offsets into the input: kept(i) of every group in row-major order, then those of its elements.
class Reduction {
 public:
  Reduction(const ir::Dims& dims, const std::vector<bool>& reduced) {
    const std::vector<int64_t> strides = row_major_strides(dims);
    for (size_t d = 0; d < dims.size(); ++d) {
      (reduced[d] ? inner_dims_ : outer_dims_).push_back(dims[d]);
      (reduced[d] ? inner_strides_ : outer_strides_).push_back(strides[d]);
    }
    outer_.resize(outer_dims_.size());
    inner_.resize(inner_dims_.size());
    count_ = ir::element_count(inner_dims_);
  }

  int64_t count() const { return count_; }  // elements of a group

  // body(group index, offset of the group).
  template <class Body>
  void for_each_group(const Body& body) {
    walk(outer_dims_, outer_strides_, outer_, body);
  }
  // body(offset) for the elements of the group at `base`.
  template <class Body>
  void for_each_element(int64_t base, const Body& body) {
    walk(inner_dims_, inner_strides_, inner_,
         [&](int64_t, int64_t offset) { body(base + offset); });
  }

 private:
  ir::Dims outer_dims_, inner_dims_;
  std::vector<int64_t> outer_strides_, inner_strides_;
  std::vector<int64_t> outer_, inner_;  // counters, so that running allocates nothing
  int64_t count_ = 0;
};

}  // namespace pare::runtime::reference
