// SPDX-License-Identifier: Apache-2.0
// The graph under construction: nodes whose shapes are known as soon as they are there, and weights
// and constants as parameters under the names that the module gives them.
#pragma once

#include <map>
#include <set>
#include <string>

#include <ATen/core/Tensor.h>

#include "formats/torchscript/value.hpp"
#include "lib/ir/infer.hpp"
#include "lib/ir/model.hpp"

namespace pare::formats::torchscript {

using Attributes = std::map<std::string, ir::Attribute>;

class Emitter {
 public:
  Emitter() : inference_(model_, graph_) {}
  Emitter(const Emitter&) = delete;
  Emitter& operator=(const Emitter&) = delete;

  ir::ValueId input(const std::string& name, ir::Shape shape, ir::DType dtype);
  // First output. Nodes are named after the scope. Throws Error(node) when shapes do not fit.
  ir::ValueId put(const std::string& op, std::vector<ir::ValueId> inputs,
                  Attributes attributes = {});
  std::vector<ir::ValueId> put_many(const std::string& op, std::vector<ir::ValueId> inputs,
                                    Attributes attributes, int outputs);

  // A weight or other known tensor. `role` names it when the module does not. The same tensor is
  // the same parameter. 64-bit floats become f32. Throws Error(name) on types that a model lacks.
  ir::ValueId parameter(const at::Tensor& tensor, const std::string& role = "constant");
  // A scalar, shared by all that need this value.
  ir::ValueId scalar(double value, ir::DType dtype = ir::DType::kF32);
  // Whole numbers that decide a shape.
  ir::ValueId integers(const std::vector<int64_t>& values);
  // [sizes ...], for operators that take a shape: symbols come from the inputs that have them.
  ir::ValueId shape_value(const ir::Shape& shape);
  ir::ValueId reshape(ir::ValueId x, const ir::Shape& target);
  ir::ValueId cast(ir::ValueId x, ir::DType dtype);

  void name_tensor(const at::Tensor& tensor, const std::string& name);
  // The name that a known tensor has, "" when it has none.
  std::string name_of(const at::Tensor& tensor) const;

  const ir::Shape& shape(ir::ValueId id) const { return graph_.value(id).shape; }
  ir::DType dtype(ir::ValueId id) const { return graph_.value(id).dtype; }
  int rank(ir::ValueId id) const { return static_cast<int>(shape(id).size()); }

  // Path of the module whose code runs ("layer1.0.conv1"); "" for the outermost.
  std::string scope;

  // Whether no node takes this input of the graph; it is no input any more then.
  bool drop_if_unused(ir::ValueId input);
  struct Output {
    std::string name;
    ir::ValueId id;
    ir::ValueId state = {};  // the input that takes it in the next call; invalid when none does
  };
  // The model: nodes that nothing needs are left out. The emitter is empty afterwards.
  ir::Model finish(const std::vector<Output>& outputs);

 private:
  std::string unique(const std::string& name);
  std::vector<ir::Node> needed_nodes() const;

  ir::Model model_;
  ir::Graph graph_;
  ir::ShapeInference inference_;
  std::set<std::string> names_;
  struct Known {
    at::Tensor tensor;  // keeps the key's address its own
    std::string name;
    ir::ValueId id;
  };
  std::map<const void*, Known> known_;
  std::map<std::pair<double, ir::DType>, ir::ValueId> scalars_;
};

}  // namespace pare::formats::torchscript
