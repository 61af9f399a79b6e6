// SPDX-License-Identifier: Apache-2.0
// The table at the end lists which operator changed when (the "Changelog" of the ONNX operator
// specification); a row applies to files with an operator set below `until`. Rows of one operator
// stand in the order in which they apply.
#include "formats/onnx/upgrade.hpp"

#include <algorithm>

#include "formats/onnx/dtypes.hpp"
#include "lib/core/error.hpp"
#include "lib/ir/geometry.hpp"

namespace pare::formats {

namespace {

using ir::Node;
using ir::ValueId;
using Ints = std::vector<int64_t>;

struct Old {
  Node& node;
  size_t outputs;
  int opset;
  GraphEditor& graph;

  bool has(const std::string& key) const { return node.attributes.contains(key); }
  void drop(const std::string& key) { node.attributes.erase(key); }
  Ints take_ints(const std::string& key) {
    Ints out = ir::attr_ints(node, key, {});
    drop(key);
    return out;
  }
  void set_input(size_t index, ValueId id) {
    if (node.inputs.size() <= index) node.inputs.resize(index + 1);
    node.inputs[index] = id;
  }
  // An attribute that became input `index`; nothing when it is absent.
  void ints_to_input(const std::string& key, size_t index) {
    if (has(key)) set_input(index, graph.ints(node.name + "." + key, take_ints(key)));
  }
  void float_to_input(const std::string& key, size_t index) {
    if (!has(key)) return;
    set_input(index, graph.scalar(node.name + "." + key, ir::attr_float(node, key, 0)));
    drop(key);
  }
  // An input that has to be there. Throws Error when it is not.
  ValueId input(size_t index) const {
    const bool there = index < node.inputs.size() && node.inputs[index].valid();
    if (there) return node.inputs[index];
    throw Error(node.name, "input " + std::to_string(index) + " of " + node.op + " is missing");
  }
  const ir::Shape& shape(size_t index) const { return graph.shape(input(index)); }
  int rank(size_t index) const { return static_cast<int>(shape(index).size()); }
};

void axes_to_input(Old& old) { old.ints_to_input("axes", 1); }
void split_to_input(Old& old) { old.ints_to_input("split", 1); }
void pads_to_input(Old& old) {
  old.ints_to_input("pads", 1);
  old.float_to_input("value", 2);
}
void clip_to_inputs(Old& old) {
  old.float_to_input("min", 1);
  old.float_to_input("max", 2);
}

void slice_to_inputs(Old& old) {
  old.ints_to_input("starts", 1);
  old.ints_to_input("ends", 2);
  old.ints_to_input("axes", 3);
}

void top_k_to_input(Old& old) {
  const int64_t k = ir::attr_int(old.node, "k", 1);
  old.drop("k");
  old.set_input(1, old.graph.ints(old.node.name + ".k", {k}));
}

// Below 18 a Split without sizes is even by itself.
void even_split(Old& old) {
  if (old.node.inputs.size() < 2 || !old.node.inputs[1].valid()) {
    old.node.attributes["num_outputs"] = static_cast<int64_t>(old.outputs);
  }
}

// Below 7, `broadcast` lets input 1 be aligned at `axis` of input 0 instead of at the end.
void align_at_axis(Old& old) {
  const bool broadcast = ir::attr_int(old.node, "broadcast", 0) != 0;
  const bool has_axis = old.has("axis");
  const int64_t stated = ir::attr_int(old.node, "axis", 0);
  for (const char* key : {"broadcast", "axis"}) old.drop(key);
  if (!broadcast || !has_axis) return;
  const int rank = old.rank(0);
  const int axis = ir::normalized_axis(old.node, stated, rank);
  const int trailing = rank - axis - old.rank(1);
  if (trailing < 0) throw Error(old.node.name, "axis does not fit its operands");
  if (trailing == 0) return;
  Ints axes;
  for (int i = 0; i < trailing; ++i) axes.push_back(old.rank(1) + i);
  const std::string stem = old.node.name + ".aligned";
  old.node.inputs[1] = old.graph.add(
      "Unsqueeze", {old.node.inputs[1], old.graph.ints(stem + ".axes", axes)}, {}, stem);
}

// Below 7, a slope of [channels] belongs to dimension 1.
void align_slope(Old& old) {
  const int rank = old.rank(0);
  if (old.rank(1) != 1 || rank <= 2 || old.shape(1) == ir::Shape{1}) return;
  Ints axes;
  for (int i = 1; i < rank - 1; ++i) axes.push_back(i);
  const std::string stem = old.node.name + ".slope";
  old.node.inputs[1] = old.graph.add(
      "Unsqueeze", {old.node.inputs[1], old.graph.ints(stem + ".axes", axes)}, {}, stem);
}

// Below 13, Softmax and its kin see [all before axis, all from axis on].
void softmax_of_rows(Old& old) {
  Node& node = old.node;
  const ir::Shape shape = old.shape(0);
  const auto rank = static_cast<int>(shape.size());
  const int axis = ir::normalized_axis(node, ir::attr_int(node, "axis", 1), rank);
  node.attributes["axis"] = int64_t{-1};
  if (axis == rank - 1) return;
  Ints target;
  for (const ir::Dim& dim : shape) target.push_back(dim.known() ? dim.size : -1);
  if (std::ranges::count(target, -1) > 1) {
    throw Error(node.name, node.op + " over several dimensions of " + ir::to_string(shape));
  }
  const ValueId rows =
      old.graph.add("Flatten", {node.inputs[0]}, {{"axis", int64_t{axis}}}, node.name + ".rows");
  const ValueId result = old.graph.add(node.op, {rows}, node.attributes, node.name + ".result");
  node.op = "Reshape";
  node.attributes.clear();
  node.inputs = {result, old.graph.ints(node.name + ".shape", target)};
}

void batch_norm_for_inference(Old& old) {
  if (ir::attr_int(old.node, "spatial", 1) == 0) {
    throw Error(old.node.name, "BatchNormalization with spatial=0");
  }
  if (old.opset < 7 && ir::attr_int(old.node, "is_test", 0) == 0 && old.outputs > 1) {
    throw Error(old.node.name, "BatchNormalization in training mode");
  }
  for (const char* key : {"spatial", "is_test", "consumed_inputs"}) old.drop(key);
}

// Dropout does nothing after training.
void drop_dropout(Old& old) {
  const bool training = old.node.inputs.size() > 2 && old.node.inputs[2].valid();
  const ir::Tensor* mode = training ? old.graph.constant(old.node.inputs[2]) : nullptr;
  if (training && (!mode || mode->count() != 1 || ir::to_f32(*mode).front() != 0)) {
    throw Error(old.node.name, "Dropout in training mode");
  }
  if (old.outputs > 1) throw Error(old.node.name, "the mask of Dropout is used");
  old.node.op = "Identity";
  old.node.inputs.resize(1);
  old.node.attributes.clear();
}

void upsample_to_resize(Old& old) {
  Node& node = old.node;
  node.op = "Resize";
  const auto scales = node.attributes.find("scales");
  ValueId input = node.inputs.size() > 1 ? node.inputs[1] : ValueId{};
  if (scales != node.attributes.end()) {
    const auto* list = std::get_if<std::vector<double>>(&scales->second);
    if (!list) throw Error(node.name, "scales of Upsample are not numbers");
    const std::vector<float> values(list->begin(), list->end());
    input = old.graph.parameter(node.name + ".scales",
                                ir::Tensor::f32({static_cast<int64_t>(values.size())}, values));
    old.drop("scales");
  }
  node.inputs = {old.input(0), ValueId{}, input};
  node.attributes["coordinate_transformation_mode"] = std::string("asymmetric");
  node.attributes["nearest_mode"] = std::string("floor");
}

void resize_without_roi(Old& old) {
  Node& node = old.node;
  node.inputs = {old.input(0), ValueId{}, old.input(1)};
  node.attributes["coordinate_transformation_mode"] = std::string("asymmetric");
  node.attributes["nearest_mode"] = std::string("floor");
}

// Below 21, scale and bias hold one element a group.
void group_norm_per_channel(Old& old) {
  Node& node = old.node;
  const ir::Shape shape = old.shape(0);
  const int64_t groups = ir::attr_int(node, "num_groups", 1);
  const bool sane = shape.size() >= 2 && shape[1].known() && groups >= 1;
  if (!sane) {
    throw Error(node.name, "GroupNormalization of " + ir::to_string(shape));
  }
  for (const size_t i : {size_t{1}, size_t{2}}) {
    const ir::Tensor* tensor = old.graph.constant(old.input(i));
    if (!tensor) throw Error(node.name, "scale or bias of GroupNormalization is not constant");
    if (tensor->count() == shape[1].size) continue;
    const std::vector<float> values = ir::to_f32(*tensor);
    if (static_cast<int64_t>(values.size()) != groups || shape[1].size % groups != 0) {
      throw Error(node.name, "scale of GroupNormalization does not fit its groups");
    }
    if (!old.graph.take(shape[1].size)) {
      throw Error(node.name, "GroupNormalization of " + ir::to_string(shape));
    }
    std::vector<float> repeated;
    for (const float v : values) {
      repeated.insert(repeated.end(), static_cast<size_t>(shape[1].size / groups), v);
    }
    node.inputs[i] =
        old.graph.parameter(node.name + (i == 1 ? ".scale" : ".bias"),
                            ir::Tensor::f32({static_cast<int64_t>(repeated.size())}, repeated));
  }
}

// Types are called by name: "f32", "i64".
void name_type(Old& old, const std::string& key) {
  if (!old.has(key)) return;
  const auto type = static_cast<int>(ir::attr_int(old.node, key, 0));
  const std::optional<ir::DType> dtype = dtype_of_onnx(type);
  if (!dtype) throw Error(old.node.name, old.node.op + " to " + onnx_type_name(type));
  const ir::DType known = ir::info(*dtype).is_float ? ir::DType::kF32 : *dtype;
  old.node.attributes[key] = std::string(ir::name_of(known));
}
void name_target(Old& old) {
  name_type(old, "to");
  old.drop("saturate");
}
void name_dtype(Old& old) { name_type(old, "dtype"); }

void cast_to_type_of(Old& old) {
  const ir::DType dtype = old.graph.graph().value(old.input(1)).dtype;
  const ir::DType known = ir::info(dtype).is_float ? ir::DType::kF32 : dtype;
  old.node.op = "Cast";
  old.node.attributes = {{"to", std::string(ir::name_of(known))}};
  old.node.inputs.resize(1);
}

void rename_scatter(Old& old) { old.node.op = "ScatterElements"; }
void drop_broadcast(Old& old) { old.drop("broadcast"); }
void drop_output_sequence(Old& old) { old.drop("output_sequence"); }

struct Row {
  std::string_view op;
  int until;
  void (*convert)(Old&);
};

constexpr int kAlways = 1000;

constexpr Row kRows[] = {
    {"Cast", kAlways, name_target},
    {"CastLike", kAlways, cast_to_type_of},
    {"EyeLike", kAlways, name_dtype},
    {"Add", 7, align_at_axis},
    {"Sub", 7, align_at_axis},
    {"Mul", 7, align_at_axis},
    {"Div", 7, align_at_axis},
    {"Pow", 7, align_at_axis},
    {"And", 7, align_at_axis},
    {"Or", 7, align_at_axis},
    {"Xor", 7, align_at_axis},
    {"Equal", 7, align_at_axis},
    {"Greater", 7, align_at_axis},
    {"Less", 7, align_at_axis},
    {"PRelu", 7, align_slope},
    {"Gemm", 7, drop_broadcast},
    {"BatchNormalization", 14, batch_norm_for_inference},
    {"LSTM", 7, drop_output_sequence},
    {"GRU", 7, drop_output_sequence},
    {"RNN", 7, drop_output_sequence},
    {"Slice", 10, slice_to_inputs},
    {"TopK", 10, top_k_to_input},
    {"Upsample", kAlways, upsample_to_resize},
    {"Resize", 11, resize_without_roi},
    {"Scatter", kAlways, rename_scatter},
    {"Clip", 11, clip_to_inputs},
    {"Pad", 11, pads_to_input},
    {"Softmax", 13, softmax_of_rows},
    {"LogSoftmax", 13, softmax_of_rows},
    {"Hardmax", 13, softmax_of_rows},
    {"Squeeze", 13, axes_to_input},
    {"Unsqueeze", 13, axes_to_input},
    {"ReduceSum", 13, axes_to_input},
    {"Split", 13, split_to_input},
    {"Split", 18, even_split},
    {"ReduceMean", 18, axes_to_input},
    {"ReduceMax", 18, axes_to_input},
    {"ReduceMin", 18, axes_to_input},
    {"ReduceProd", 18, axes_to_input},
    {"ReduceL1", 18, axes_to_input},
    {"ReduceL2", 18, axes_to_input},
    {"ReduceLogSum", 18, axes_to_input},
    {"ReduceLogSumExp", 18, axes_to_input},
    {"ReduceSumSquare", 18, axes_to_input},
    {"GroupNormalization", 21, group_norm_per_channel},
    {"Dropout", kAlways, drop_dropout},
};

}  // namespace

std::string_view lowered(std::string_view op) {
  if (op == "Dropout") return "Identity";
  if (op == "Upsample") return "Resize";
  if (op == "Scatter") return "ScatterElements";
  return op == "CastLike" ? "Cast" : op;
}

void upgrade(Node& node, size_t outputs, int opset, GraphEditor& graph) {
  Old old{node, outputs, opset, graph};
  const std::string op = node.op;
  for (const Row& row : kRows) {
    if (row.op == op && opset < row.until) row.convert(old);
  }
}

}  // namespace pare::formats
