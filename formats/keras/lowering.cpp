// SPDX-License-Identifier: Apache-2.0
#include "formats/keras/lowering.hpp"

#include <algorithm>
#include <sstream>

#include "lib/core/error.hpp"
#include "lib/ir/ops.hpp"

namespace pare::formats::keras {

std::string Lowering::unique(const std::string& name) {
  std::string out = name;
  for (int again = 2; !names_.insert(out).second; ++again) {
    out = name + "_" + std::to_string(again);
  }
  return out;
}

ir::ValueId Lowering::input(const std::string& name, const ir::Dims& item) {
  ir::Shape shape = ir::shape_of(item);
  shape.insert(shape.begin(), ir::Dim("batch"));
  return graph_.add_input(unique(name), std::move(shape));
}

ir::ValueId Lowering::put(const std::string& op, std::vector<ir::ValueId> inputs,
                          Attributes attributes, const std::string& name) {
  if (!ir::find_op(op)) {
    throw Error(path_, "layer " + escaped(name, 80) + ": needs the operator " + op +
                           ", which is not supported");
  }
  return graph_.add(op, std::move(inputs), std::move(attributes), unique(name));
}

ir::ValueId Lowering::parameter(const std::string& name, const ir::Dims& dims,
                                std::span<const float> values) {
  if (!model_.parameters.contains(name)) {
    names_.insert(name);
    model_.parameters.set(name, ir::Tensor::f32(dims, values));
  }
  const ir::ValueId id = graph_.add_parameter(name, ir::DType::kF32, dims);
  if (model_.parameters.at(name).dims() != dims) {
    throw Error(path_, "two weights are called " + escaped(name, 80));
  }
  return id;
}

ir::ValueId Lowering::scalar(float value) {
  std::ostringstream name;
  name << "constant." << value;
  return parameter(name.str(), {}, std::span(&value, 1));
}

ir::ValueId Lowering::constant(const std::vector<int64_t>& values, const std::string& name) {
  return put("Constant", {}, {{"value_ints", values}}, name);
}

ir::ValueId Lowering::reshape(ir::ValueId x, const ir::Dims& item, const std::string& name) {
  ir::Dims target{0};  // the batch, as it is
  target.insert(target.end(), item.begin(), item.end());
  return put("Reshape", {x, constant(target, name + ".shape")}, {}, name);
}

Feature Lowering::ordered(const Feature& x, const Order& order) {
  if (!x.flatten.empty()) return plain(x);
  if (x.order == order) return x;
  Feature out = x;
  out.order = order;
  const auto [known, fresh] = transposed_.try_emplace({x.id, order});
  if (fresh) {
    std::vector<int64_t> perm;
    for (const int axis : order) {
      perm.push_back(std::find(x.order.begin(), x.order.end(), axis) - x.order.begin());
    }
    known->second =
        put("Transpose", {x.id}, {{"perm", perm}}, graph_.value(x.id).name + ".transposed");
  }
  out.id = known->second;
  return out;
}

Feature Lowering::plain(const Feature& x) {
  Feature out = x;
  out.flatten.clear();
  out = ordered(out, keras_order(x.shape.size()));
  if (x.flatten.empty()) return out;
  return {.id = flattened(out, x.flatten), .shape = keras_shape(x), .order = keras_order(1)};
}

ir::ValueId Lowering::flattened(const Feature& x, const std::string& name) {
  if (x.shape.size() == 1) return x.id;
  const auto [known, fresh] = flattened_.try_emplace(x.id);
  if (fresh) known->second = put("Flatten", {x.id}, {{"axis", int64_t{1}}}, name);
  return known->second;
}

ir::Model Lowering::finish(std::vector<ir::ValueId> outputs) {
  graph_.outputs = std::move(outputs);
  ir::infer_shapes(model_, graph_);
  model_.graphs.push_back(std::move(graph_));
  return std::move(model_);
}

}  // namespace pare::formats::keras
