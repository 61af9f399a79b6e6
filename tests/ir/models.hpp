// SPDX-License-Identifier: Apache-2.0
// Small models that several tests build on.
#pragma once

#include "lib/ir/ops.hpp"

namespace pare::ir::tests {

inline Tensor zeros(Dims dims) {
  const std::vector<float> values(static_cast<size_t>(element_count(dims)));
  return Tensor::f32(std::move(dims), values);
}

// Graphs "encoder" and "head" that share parameter "w" [4, 3]: Gemm, and Gemm + Relu.
inline Model two_graphs() {
  Model model;
  model.parameters.set("w", zeros({4, 3}));
  model.parameters.set("b", zeros({4}));
  for (const char* name : {"encoder", "head"}) {
    Graph graph;
    graph.name = name;
    const ValueId x = graph.add_input("x", {Dim("batch"), Dim(3)});
    const ValueId w = graph.add_parameter("w", DType::kF32, {4, 3});
    const ValueId b = graph.add_parameter("b", DType::kF32, {4});
    const ValueId y = graph.add("Gemm", {x, w, b}, {{"transB", int64_t{1}}}, "fc");
    graph.outputs = {graph.add("Relu", {y}, {}, "relu")};
    infer_shapes(model, graph);
    model.graphs.push_back(graph);
  }
  model.metadata.labels = {"a", "b", "c", "d"};
  model.metadata.preprocessing.mean = {0.1F, 0.2F, 0.3F};
  return model;
}

// One step of a decoder: the new key is appended to the cached ones along axis 1, at most 128.
inline Model decoder_step() {
  Model model;
  Graph graph;
  const ValueId token = graph.add_input("token", {Dim("batch"), Dim(1), Dim(8)});
  const ValueId past = graph.add_input("past_key", {Dim("batch"), Dim("past"), Dim(8)});
  model.parameters.set("wk", zeros({8, 8}));
  const ValueId wk = graph.add_parameter("wk", DType::kF32, {8, 8});
  const ValueId key = graph.add("MatMul", {token, wk}, {}, "key");
  const ValueId present = graph.add("Concat", {past, key}, {{"axis", int64_t{1}}}, "present_key");
  graph.outputs = {key, present};
  graph.states.push_back({.input = past, .output = present, .axis = 1, .capacity = 128});
  infer_shapes(model, graph);
  model.graphs.push_back(graph);
  return model;
}

}  // namespace pare::ir::tests
