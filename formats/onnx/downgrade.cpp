// SPDX-License-Identifier: Apache-2.0
// Two tables: since when an operator exists, and how its newer forms are written in older sets.
#include "formats/onnx/downgrade.hpp"

#include <algorithm>
#include <cmath>

#include "lib/core/error.hpp"

namespace pare::formats {

namespace {

struct Since {
  std::string_view op;
  int opset;
};

// Operators of lib/ir/ops.cpp that operator set 13 does not have.
constexpr Since kSince[] = {
    {"Attention", 23},
    {"BitwiseAnd", 18},
    {"BitwiseNot", 18},
    {"BitwiseOr", 18},
    {"BitwiseXor", 18},
    {"CenterCropPad", 18},
    {"Col2Im", 18},
    {"Gelu", 20},
    {"GridSample", 16},
    {"GroupNormalization", 21},
    {"HardSwish", 14},
    {"LayerNormalization", 17},
    {"Mish", 18},
    {"RMSNormalization", 23},
    {"RotaryEmbedding", 23},
    {"Swish", 24},
    {"Trilu", 14},
};

struct New {
  OutNode& node;
  GraphExport& graph;

  bool is_int(const std::string& key, int64_t value) const {
    const auto found = node.attributes.find(key);
    const auto* held =
        found == node.attributes.end() ? nullptr : std::get_if<int64_t>(&found->second);
    return held && *held == value;
  }
  std::string add(const std::string& op, std::vector<std::string> inputs,
                  std::map<std::string, ir::Attribute> attributes = {}) const {
    const std::string out = graph.fresh(node.name + "_" + op);
    graph.emit({.op = op,
                .name = out,
                .inputs = std::move(inputs),
                .outputs = {out},
                .attributes = std::move(attributes)});
    return out;
  }
  // The node itself becomes the last step.
  void become(const std::string& op, std::vector<std::string> inputs) const {
    node.op = op;
    node.inputs = std::move(inputs);
    node.attributes.clear();
  }
};

// A reduction over no axes: what it does to each element alone.
void reduce_nothing(New& n) {
  const std::string x = n.node.inputs[0], op = n.node.op;
  if (op == "ReduceL1" || op == "ReduceL2") return n.become("Abs", {x});
  if (op == "ReduceLogSum") return n.become("Log", {x});
  if (op == "ReduceSumSquare") return n.become("Mul", {x, x});
  n.become("Identity", {x});
}

void axes_to_attribute(New& n) {
  const bool noop = n.is_int("noop_with_empty_axes", 1);
  std::vector<int64_t> axes;
  if (n.graph.has_input(n.node, 1)) {
    axes = ir::to_i64(n.graph.constant(n.node, 1), n.node.name);
  }
  if (axes.empty() && noop) return reduce_nothing(n);
  if (!axes.empty()) n.node.attributes["axes"] = axes;
  n.node.attributes.erase("noop_with_empty_axes");
  n.node.inputs.resize(1);
}

void split_evenly(New& n) { n.node.attributes.erase("num_outputs"); }

void refuse_or_drop(New& n, const std::string& key, int64_t harmless) {
  if (n.node.attributes.contains(key) && !n.is_int(key, harmless)) {
    throw Error(n.node.name, n.node.op + " with " + key + " needs a newer operator set; --opset");
  }
  n.node.attributes.erase(key);
}
void drop_training_mode(New& n) { refuse_or_drop(n, "training_mode", 0); }
void drop_allowzero(New& n) { refuse_or_drop(n, "allowzero", 0); }
void drop_dilations(New& n) {
  const auto found = n.node.attributes.find("dilations");
  if (found == n.node.attributes.end()) return;
  const auto* list = std::get_if<std::vector<int64_t>>(&found->second);
  if (!list || std::ranges::any_of(*list, [](int64_t d) { return d != 1; })) {
    throw Error(n.node.name, "dilated AveragePool needs operator set 19; --opset");
  }
  n.node.attributes.erase(found);
}

// Below 18, Pad has no axes.
void pad_every_axis(New& n) {
  if (!n.graph.has_input(n.node, 3)) return;
  const auto rank = static_cast<int64_t>(n.graph.shape(n.node.inputs[0]).size());
  const std::vector<int64_t> axes = ir::to_i64(n.graph.constant(n.node, 3), n.node.name);
  const std::vector<int64_t> pads = ir::to_i64(n.graph.constant(n.node, 1), n.node.name);
  std::vector<int64_t> all(static_cast<size_t>(2 * rank), 0);
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<size_t>(axes[i] < 0 ? axes[i] + rank : axes[i]);
    all[axis] = pads[i];
    all[axis + static_cast<size_t>(rank)] = pads[i + axes.size()];
  }
  n.node.inputs[1] = n.graph.ints(n.node.name + "_pads", all);
  n.node.inputs.resize(3);
}

// x * HardSigmoid(x; 1/6, 1/2)
void hard_swish(New& n) {
  const std::string x = n.node.inputs[0];
  const std::string gate = n.add("HardSigmoid", {x}, {{"alpha", 1.0 / 6}, {"beta", 0.5}});
  n.become("Mul", {x, gate});
}

// x * sigmoid(alpha * x)
void swish(New& n) {
  const std::string x = n.node.inputs[0];
  const auto alpha = n.node.attributes.find("alpha");
  std::string scaled = x;
  if (alpha != n.node.attributes.end()) {
    const auto* value = std::get_if<double>(&alpha->second);
    const float factor = value ? static_cast<float>(*value) : 1.0F;
    scaled = n.add("Mul", {x, n.graph.scalar(n.node.name + "_alpha", factor)});
  }
  n.become("Mul", {x, n.add("Sigmoid", {scaled})});
}

// x * tanh(softplus(x))
void mish(New& n) {
  const std::string x = n.node.inputs[0];
  n.become("Mul", {x, n.add("Tanh", {n.add("Softplus", {x})})});
}

// x/2 * (1 + erf(x / sqrt 2)), or x/2 * (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
void gelu(New& n) {
  const std::string x = n.node.inputs[0];
  const auto constant = [&](const char* what, float v) {
    return n.graph.scalar(n.node.name + what, v);
  };
  const auto mode = n.node.attributes.find("approximate");
  const auto* text =
      mode == n.node.attributes.end() ? nullptr : std::get_if<std::string>(&mode->second);
  std::string inner;
  if (text && *text == "tanh") {
    const std::string square = n.add("Mul", {x, x});
    const std::string cube = n.add("Mul", {square, x});
    const std::string small = n.add("Mul", {cube, constant("_cubic", 0.044715F)});
    const std::string sum = n.add("Add", {x, small});
    inner = n.add("Tanh", {n.add("Mul", {sum, constant("_sqrt", 0.7978845608F)})});
  } else {
    inner = n.add("Erf", {n.add("Mul", {x, constant("_sqrt", 0.7071067812F)})});
  }
  const std::string one = n.add("Add", {inner, constant("_one", 1.0F)});
  n.become("Mul", {n.add("Mul", {x, constant("_half", 0.5F)}), one});
}

struct Row {
  std::string_view op;
  int until;
  void (*convert)(New&);
};

constexpr Row kRows[] = {
    {"ReduceMean", 18, axes_to_attribute},
    {"ReduceMax", 18, axes_to_attribute},
    {"ReduceMin", 18, axes_to_attribute},
    {"ReduceProd", 18, axes_to_attribute},
    {"ReduceL1", 18, axes_to_attribute},
    {"ReduceL2", 18, axes_to_attribute},
    {"ReduceLogSum", 18, axes_to_attribute},
    {"ReduceLogSumExp", 18, axes_to_attribute},
    {"ReduceSumSquare", 18, axes_to_attribute},
    {"Split", 18, split_evenly},
    {"Pad", 18, pad_every_axis},
    {"AveragePool", 19, drop_dilations},
    {"BatchNormalization", 14, drop_training_mode},
    {"Reshape", 14, drop_allowzero},
    {"HardSwish", 14, hard_swish},
    {"Mish", 18, mish},
    {"Gelu", 20, gelu},
    {"Swish", 24, swish},
};

}  // namespace

void emit_for_opset(OutNode node, GraphExport& graph) {
  const std::string op = node.op;
  New context{node, graph};
  for (const Row& row : kRows) {
    if (row.op == op && graph.opset() < row.until) row.convert(context);
  }
  const auto since = std::ranges::find(kSince, node.op, &Since::op);
  if (since != std::end(kSince) && graph.opset() < since->opset) {
    throw Error(node.name, node.op + " is in operator set " + std::to_string(since->opset) +
                               " first, written is " + std::to_string(graph.opset()));
  }
  graph.emit(node);
}

}  // namespace pare::formats
