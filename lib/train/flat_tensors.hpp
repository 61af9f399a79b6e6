// SPDX-License-Identifier: Apache-2.0
// Named float tensors that share one flat buffer, and their gradients in another of the same
// layout: what the optimizer steps over, a weight hook edits and a checkpoint stores. Every tensor
// starts on a 64-byte border (the gaps stay 0). torch sees each as a leaf of its own, so that
// changing one in place does not make autograd suspect the others.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include <ATen/ATen.h>

#include "lib/ir/shape.hpp"

namespace pare::train {

class FlatTensors {
 public:
  // Before seal(). `values` has product(dims) elements. Returns the index for tensor().
  size_t add(std::string name, ir::Dims dims, std::vector<float> values);
  // Lays everything out; with gradients, tensors require them and accumulate into gradients().
  void seal(bool with_gradients);

  // After seal().
  const at::Tensor& tensor(size_t index) const { return tensors_.at(index); }
  std::span<float> flat() { return span_of(values_); }
  std::span<float> gradients() { return span_of(gradients_); }
  std::span<float> values(size_t index);
  std::map<std::string, std::span<float>> by_name();

 private:
  struct Slot {
    std::string name;
    ir::Dims dims;
    std::vector<float> initial;
    int64_t offset = 0;
    int64_t count = 0;
  };
  static std::span<float> span_of(const at::Tensor& t);

  std::vector<Slot> slots_;
  std::vector<at::Tensor> tensors_;
  at::Tensor values_;
  at::Tensor gradients_;
};

}  // namespace pare::train
