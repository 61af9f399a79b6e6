// SPDX-License-Identifier: Apache-2.0
// Element values of a tensor as f32, any range of them at a time, so that nobody needs a second
// copy of a tensor that may be gigabytes large. Same bits as to_f32(), which is made of it.
#pragma once

#include <span>
#include <vector>

#include "lib/ir/tensor.hpp"

namespace pare::ir {

class ElementReader {
 public:
  // Holds views of the tensor's parts (a deferred part is evaluated here). Throws Error when a mask
  // and its codes disagree.
  explicit ElementReader(const Tensor& tensor);
  // Elements [first, first + out.size()), row-major. Any thread. Throws Error when a code lies
  // outside its codebook.
  void read(int64_t first, std::span<float> out) const;
  int64_t count() const { return count_; }

 private:
  void read_stored(int64_t first, std::span<float> out) const;
  void read_sparse(int64_t first, std::span<float> out) const;
  void read_stretch(int64_t first, std::span<float> out) const;
  void index_stretches();
  void scale(int64_t first, std::span<const int32_t> codes, std::span<float> out) const;
  void look_up(std::span<const int32_t> codes, std::span<float> out) const;

  Tensor tensor_;
  int64_t count_ = 0;
  DType stored_dtype_ = DType::kF32;
  BufferView stored_{{}, nullptr};
  BufferView mask_{{}, nullptr};
  // Sparse: stored elements before each stretch of kStretch elements.
  std::vector<int64_t> stored_before_;
  GroupGeometry groups_;
  std::vector<float> scales_;
  std::vector<int32_t> zero_points_;
  std::vector<float> codebook_;
};

// Elements whose value is exactly 0 (-0 included).
int64_t zero_count(const Tensor& tensor, int threads);

}  // namespace pare::ir
