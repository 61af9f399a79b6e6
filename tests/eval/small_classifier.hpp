// SPDX-License-Identifier: Apache-2.0
// A data set in memory and a linear classifier on it, small enough to compute by hand.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "lib/data/dataset.hpp"
#include "lib/ir/model.hpp"
#include "lib/ir/ops.hpp"

namespace pare::eval {

class SmallDataset : public data::Dataset {
 public:
  SmallDataset(std::vector<std::vector<float>> items, std::vector<int64_t> labels,
               std::vector<std::string> classes)
      : items_(std::move(items)), labels_(std::move(labels)) {
    info_.source = "small";
    info_.kind = "npz";
    info_.item = {items_.empty() ? 3 : static_cast<int64_t>(items_.front().size())};
    info_.classes = std::move(classes);
  }
  const data::DatasetInfo& info() const override { return info_; }
  int64_t size() const override { return static_cast<int64_t>(items_.size()); }
  void read(int64_t index, std::span<float> out) const override {
    const auto& item = items_.at(static_cast<size_t>(index));
    std::copy(item.begin(), item.end(), out.begin());
  }
  int64_t label(int64_t index) const override { return labels_.at(static_cast<size_t>(index)); }
  std::string fingerprint() const override { return "feedfacefeedfacefeedface"; }

 private:
  std::vector<std::vector<float>> items_;
  std::vector<int64_t> labels_;
  data::DatasetInfo info_;
};

// Three one-hot-like items of three classes and one that a plain argmax gets wrong.
inline SmallDataset small_dataset(std::vector<std::string> classes = {"ant", "bee", "cat"}) {
  return SmallDataset({{1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {0.5F, 0.75F, 0}, {0, 0.25F, 2}},
                      {0, 1, 2, 0, 2}, std::move(classes));
}

// logits = x W^T with W [3, 3] row-major; a Softmax behind when `softmax`.
inline ir::Model linear_classifier(const std::vector<float>& weights, bool softmax = false) {
  ir::Model model;
  model.parameters.set("fc.weight", ir::Tensor::f32({3, 3}, weights));
  const float zeros[3] = {0, 0, 0};
  model.parameters.set("fc.bias", ir::Tensor::f32({3}, zeros));
  ir::Graph graph;
  const ir::ValueId x = graph.add_input("x", {ir::Dim("batch"), ir::Dim(3)});
  const ir::ValueId w = graph.add_parameter("fc.weight", ir::DType::kF32, {3, 3});
  const ir::ValueId b = graph.add_parameter("fc.bias", ir::DType::kF32, {3});
  ir::ValueId y = graph.add("Gemm", {x, w, b}, {{"transB", int64_t{1}}}, "fc");
  if (softmax) y = graph.add("Softmax", {y}, {{"axis", int64_t{-1}}}, "softmax");
  graph.outputs = {y};
  model.graphs.push_back(std::move(graph));
  ir::infer_shapes(model, model.main());
  model.metadata.labels = {"ant", "bee", "cat"};
  model.metadata.preprocessing = {.stated = true, .size = {3}};
  ir::verify(model);
  return model;
}

inline std::vector<float> identity_weights() { return {1, 0, 0, 0, 1, 0, 0, 0, 1}; }

}  // namespace pare::eval
