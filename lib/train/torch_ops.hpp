// SPDX-License-Identifier: Apache-2.0
// How each operator runs differentiably: one table row an operator, a function over at::Tensor
// whose backward torch derives. Semantics are ONNX's (the ops table in lib/ir/ops.cpp names the
// version); the runtime's reference kernels are the oracle of the tests.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include <ATen/ATen.h>

#include "lib/ir/graph.hpp"

namespace pare::train {

// One node's call. `inputs` has an undefined tensor where an optional input is absent.
struct NodeCall {
  const ir::Node& node;
  std::span<const at::Tensor> inputs;
  bool training = false;  // BatchNormalization: batch statistics, running ones updated in place

  bool has(size_t i) const { return i < inputs.size() && inputs[i].defined(); }
  // Integer values of input i (shapes, axes); throws Error(node) when it is not an integer tensor.
  std::vector<int64_t> integers(size_t i) const;
  // Input i as a scalar.
  double scalar(size_t i, double fallback) const;
};

using TorchOp = at::Tensor (*)(const NodeCall&);

struct TorchRow {
  std::string_view op;
  TorchOp run;
};

std::span<const TorchRow> all_torch_ops();
// Null when the operator has no differentiable row.
const TorchRow* find_torch_op(std::string_view op);

// The rows that only move or pick elements (torch_shape_ops.cpp); joined into all_torch_ops().
std::span<const TorchRow> torch_shape_ops();

}  // namespace pare::train
