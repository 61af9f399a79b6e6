// SPDX-License-Identifier: Apache-2.0
// The graph under construction, and what the layers' lowering asks of it: nodes with unique names,
// parameters, constants, and tensors brought into an order of axes.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>

#include "formats/keras/feature.hpp"
#include "lib/ir/model.hpp"

namespace pare::formats::keras {

using Attributes = std::map<std::string, ir::Attribute>;

class Lowering {
 public:
  explicit Lowering(std::string path) : path_(std::move(path)) {}

  // Sizes without batch, of the graph.
  ir::ValueId input(const std::string& name, const ir::Dims& item);
  // A node of an operator that the table has; throws Error(path) for another.
  ir::ValueId put(const std::string& op, std::vector<ir::ValueId> inputs, Attributes attributes,
                  const std::string& name);
  // A parameter; the same again when a shared layer asks for it a second time.
  ir::ValueId parameter(const std::string& name, const ir::Dims& dims,
                        std::span<const float> values);
  // A scalar, shared by all who need this value.
  ir::ValueId scalar(float value);
  // Whole numbers that decide a shape.
  ir::ValueId constant(const std::vector<int64_t>& values, const std::string& name);
  ir::ValueId reshape(ir::ValueId x, const ir::Dims& item, const std::string& name);

  // The tensor with its axes in this order: a Transpose where they are not, once for each order.
  Feature ordered(const Feature& x, const Order& order);
  // In Keras's own order, and flattened when Keras sees it so.
  Feature plain(const Feature& x);
  // [batch, elements] in the graph's order of elements.
  ir::ValueId flattened(const Feature& x, const std::string& name);

  // The model, of one graph. Throws Error(node) when the layers' shapes do not fit each other.
  ir::Model finish(std::vector<ir::ValueId> outputs);

 private:
  std::string unique(const std::string& name);

  std::string path_;
  ir::Model model_;
  ir::Graph graph_;
  std::set<std::string> names_;
  std::map<std::pair<ir::ValueId, Order>, ir::ValueId> transposed_;
  std::map<ir::ValueId, ir::ValueId> flattened_;
};

}  // namespace pare::formats::keras
