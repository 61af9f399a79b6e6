// SPDX-License-Identifier: Apache-2.0
// A graph under construction. Shapes are inferred node by node, and a node whose inputs are all
// constant is computed at once instead of being added: shape arithmetic never reaches the graph.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "lib/ir/infer.hpp"
#include "lib/ir/model.hpp"

namespace pare::formats {

class GraphEditor {
 public:
  // What folding may add to a model: enough for shape arithmetic and constant branches.
  static constexpr int64_t kMostFoldedElements = int64_t{1} << 20;

  GraphEditor(ir::Model& model, ir::Graph& graph)
      : model_(model), graph_(graph), inference_(model, graph) {}

  ir::Model& model() { return model_; }
  ir::Graph& graph() { return graph_; }

  ir::ValueId input(const std::string& name, ir::Shape shape, ir::DType dtype);
  // A parameter and the value that refers to it, under `name` or a free name derived from it.
  ir::ValueId parameter(const std::string& name, ir::Tensor tensor);
  ir::ValueId ints(const std::string& name, const std::vector<int64_t>& values);
  ir::ValueId scalar(const std::string& name, float value);

  // Adds a node, its shapes inferred, with outputs called `names` (or free names derived from
  // them), or computes it. `node.outputs` is ignored. Throws Error(node.name, ...).
  std::vector<ir::ValueId> add(ir::Node node, const std::vector<std::string>& names);
  // The usual case: one output, node and output called after `stem`.
  ir::ValueId add(const std::string& op, std::vector<ir::ValueId> inputs,
                  std::map<std::string, ir::Attribute> attributes, const std::string& stem);

  // A node of one input that stays even where it could be computed; its output has exactly `name`
  // where that is free.
  ir::ValueId add_kept(const std::string& op, ir::ValueId input, const std::string& name);
  // Gives a value the name `name`, or one derived from it.
  void rename(ir::ValueId id, const std::string& name);

  const ir::Shape& shape(ir::ValueId id) const { return graph_.value(id).shape; }
  // Null unless `id` is a parameter.
  const ir::Tensor* constant(ir::ValueId id) const;
  // Counts elements against kMostFoldedElements, the model's allowance; false when too few are
  // left.
  bool take(int64_t elements);
  // Drops nodes, values and parameters that no output depends on.
  void remove_unused();

 private:
  std::string free_name(const std::string& stem);
  std::string free_node_name(const std::string& stem);
  // Makes parameters of the node's outputs where they are known; false where they are not.
  bool fold(const ir::Node& node);
  bool fold_sizes(const ir::Node& node);
  bool fold_stored(const ir::Node& node);
  bool fold_computed(const ir::Node& node);
  void make_parameter(ir::ValueId id, ir::Tensor tensor);
  void resolve_target(ir::Node& node);

  ir::Model& model_;
  ir::Graph& graph_;
  ir::ShapeInference inference_;
  std::set<std::string> names_;
  std::set<std::string> node_names_;
  int64_t folded_elements_ = 0;
};

}  // namespace pare::formats
