// SPDX-License-Identifier: Apache-2.0
// A map is a text such as "nk,ko,o->no" (see OpRow::dimension_map). For operators whose map depends
// on attributes it is first written out for the node at hand, one letter a dimension, then all maps
// are read the same way.
#include "lib/ir/dimension_map.hpp"

#include <algorithm>

#include "lib/core/error.hpp"
#include "lib/ir/geometry.hpp"

namespace pare::ir {

namespace {

// '*' positions get labels of their own, counted from the back.
constexpr int kFirstStarLabel = 1000;

std::vector<int> labels_of(std::string_view term, size_t rank) {
  std::vector<int> labels(rank, 0);
  const size_t rest = term.find_first_of("*~");
  const size_t letters = rest == std::string_view::npos ? term.size() : term.size() - 1;
  // A scalar limit has no dimensions to name; otherwise the table and shape rule disagree.
  if (letters > rank) throw Bug("a dimension map fits its operator's shapes");
  const size_t front = rest == std::string_view::npos ? term.size() : rest;
  for (size_t i = 0; i < front; ++i) labels[i] = term[i] == '.' ? 0 : term[i];
  if (rest == std::string_view::npos) return labels;
  const size_t back = term.size() - rest - 1;
  for (size_t i = 0; i < back; ++i) labels[rank - back + i] = term[rest + 1 + i];
  if (term[rest] == '*') {
    for (size_t i = front; i < rank - back; ++i) {
      labels[i] = kFirstStarLabel + static_cast<int>(rank - back - 1 - i);
    }
  }
  return labels;
}

class Resolver {
 public:
  Resolver(const Model& model, const Graph& graph, const Node& node)
      : model_(model), graph_(graph), node_(node) {}

  std::string text(std::string_view row_map) const {
    const std::string& op = node_.op;
    if (op == "Conv") return conv();
    if (op == "Gemm") return gemm();
    if (op == "MatMul") return matmul();
    if (op == "Transpose") return transpose();
    if (op == "Concat") return concat();
    if (op == "Flatten") return flatten();
    if (op == "ReduceMean") return without(reduced_axes(), attr_int(node_, "keepdims", 1) != 0);
    if (op == "Squeeze") return without(unit_axes(), false);
    if (op == "Unsqueeze") return unsqueeze();
    if (op == "Slice" || op == "Pad") return where_equal();
    if (op == "Gather") return gather();
    if (op == "Sum" || op == "Mean" || op == "Min" || op == "Max") return broadcast();
    return std::string(row_map);
  }

 private:
  const Shape& shape(size_t input) const { return graph_.value(node_.inputs[input]).shape; }
  const Shape& output() const { return graph_.value(node_.outputs[0]).shape; }
  static char letter(size_t axis) { return static_cast<char>('A' + axis); }
  static std::string letters(size_t rank) {
    std::string out;
    for (size_t i = 0; i < rank; ++i) out += letter(i);
    return out;
  }

  std::vector<int64_t> operand(size_t input) const {
    if (node_.inputs.size() <= input || !node_.inputs[input].valid()) return {};
    const Value& value = graph_.value(node_.inputs[input]);
    if (!value.parameter.empty()) return to_i64(model_.parameters.at(value.parameter), node_.name);
    const NodeId id = graph_.producer(node_.inputs[input]);
    return id.valid() ? attr_ints(graph_.node(id), "value_ints", {}) : std::vector<int64_t>{};
  }

  std::string conv() const {
    const int64_t group = attr_int(node_, "group", 1);
    if (group == 1) return "nc~,oc~,o->no~";
    const Shape& w = shape(1);
    const bool depthwise = w[0] == Dim(group) && w[1] == Dim(1);
    return depthwise ? "nc~,c.~,c->nc~" : "n.~,o.~,o->no~";
  }

  std::string gemm() const {
    std::string map = attr_int(node_, "transA", 0) != 0 ? "kn" : "nk";
    map += attr_int(node_, "transB", 0) != 0 ? ",ok" : ",ko";
    if (node_.inputs.size() > 2 && node_.inputs[2].valid()) {
      map += "," + std::string("no").substr(2 - std::min<size_t>(2, shape(2).size()));
    }
    return map + "->no";
  }

  std::string matmul() const {
    const bool row = shape(0).size() == 1;
    const bool column = shape(1).size() == 1;
    std::string map = row ? "k" : "*mk";
    map += column ? ",k" : ",*kn";
    if (row && column) return map + "->";
    return map + "->*" + (row ? "" : "m") + (column ? "" : "n");
  }

  std::string transpose() const {
    const std::string in = letters(shape(0).size());
    std::vector<int64_t> perm;
    for (size_t i = in.size(); i-- > 0;) perm.push_back(static_cast<int64_t>(i));
    std::string out;
    for (const int64_t axis : attr_ints(node_, "perm", perm)) out += in[static_cast<size_t>(axis)];
    return in + "->" + out;
  }

  std::string concat() const {
    std::string term = letters(output().size());
    const int axis =
        normalized_axis(node_, attr_int(node_, "axis", 0), static_cast<int>(term.size()));
    term[static_cast<size_t>(axis)] = '.';
    std::string map = term;
    for (size_t i = 1; i < node_.inputs.size(); ++i) map += "," + term;
    return map + "->" + term;
  }

  std::string broadcast() const {
    std::string map = "*";
    for (size_t i = 1; i < node_.inputs.size(); ++i) map += ",*";
    return map + "->*";
  }

  std::string flatten() const {
    const std::string in = letters(shape(0).size());
    const auto rank = static_cast<int64_t>(in.size());
    int64_t axis = attr_int(node_, "axis", 1);
    if (axis < 0) axis += rank;
    const std::string first = axis == 1 ? in.substr(0, 1) : ".";
    return in + "->" + first + (axis == rank - 1 ? in.substr(in.size() - 1) : ".");
  }

  std::vector<int> reduced_axes() const {
    const auto rank = static_cast<int>(shape(0).size());
    std::vector<int64_t> axes = operand(1);
    if (axes.empty() && attr_int(node_, "noop_with_empty_axes", 0) == 0) {
      for (int i = 0; i < rank; ++i) axes.push_back(i);
    }
    return normalized_axes(node_, axes, rank);
  }

  std::vector<int> unit_axes() const {
    const Shape& x = shape(0);
    std::vector<int64_t> axes = operand(1);
    if (node_.inputs.size() < 2 || !node_.inputs[1].valid()) {
      for (size_t i = 0; i < x.size(); ++i) {
        if (x[i] == Dim(1)) axes.push_back(static_cast<int64_t>(i));
      }
    }
    return normalized_axes(node_, axes, static_cast<int>(x.size()));
  }

  std::string without(const std::vector<int>& axes, bool keep) const {
    const std::string in = letters(shape(0).size());
    std::string out;
    for (size_t i = 0; i < in.size(); ++i) {
      const bool gone = std::ranges::find(axes, static_cast<int>(i)) != axes.end();
      if (!gone) out += in[i];
      if (gone && keep) out += '.';
    }
    return in + ",->" + out;
  }

  std::string unsqueeze() const {
    const std::string in = letters(shape(0).size());
    std::string out = in;
    for (const int axis : normalized_axes(node_, operand(1), static_cast<int>(output().size()))) {
      out.insert(static_cast<size_t>(axis), 1, '.');
    }
    return in + ",->" + out;
  }

  // Axes that keep their size are not touched: a slice or pad of the whole is the identity there.
  std::string where_equal() const {
    std::string term = letters(shape(0).size());
    for (size_t i = 0; i < term.size(); ++i) {
      if (shape(0)[i] != output()[i]) term[i] = '.';
    }
    return term + "->" + term;
  }

  std::string gather() const {
    const std::string in = letters(shape(0).size());
    const auto axis = static_cast<size_t>(
        normalized_axis(node_, attr_int(node_, "axis", 0), static_cast<int>(in.size())));
    std::string indices;
    for (size_t i = 0; i < shape(1).size(); ++i) indices += static_cast<char>('a' + i);
    return in + "," + indices + "->" + in.substr(0, axis) + indices + in.substr(axis + 1);
  }

  const Model& model_;
  const Graph& graph_;
  const Node& node_;
};

// A dimension of size 1 that broadcasts does not follow the output's.
void drop_broadcast(const Graph& graph, const Node& node, DimensionMap& map) {
  const Shape& out = graph.value(node.outputs[0]).shape;
  for (size_t i = 0; i < map.inputs.size(); ++i) {
    for (size_t a = 0; a < map.inputs[i].size(); ++a) {
      const auto it = std::ranges::find(map.output, map.inputs[i][a]);
      if (map.inputs[i][a] == 0 || it == map.output.end()) continue;
      const Shape& in = graph.value(node.inputs[i]).shape;
      if (in[a] != out[static_cast<size_t>(it - map.output.begin())]) map.inputs[i][a] = 0;
    }
  }
}

}  // namespace

std::optional<int> DimensionMap::output_axis(int input, int axis) const {
  const int label = inputs.at(static_cast<size_t>(input)).at(static_cast<size_t>(axis));
  const auto it = label == 0 ? output.end() : std::ranges::find(output, label);
  if (it == output.end()) return std::nullopt;
  return static_cast<int>(it - output.begin());
}

DimensionMap dimension_map(const Model& model, const Graph& graph, const Node& node) {
  const OpRow* row = find_op(node.op);
  if (!row) throw Error(node.name, "unknown operator " + node.op);
  const std::string text = Resolver(model, graph, node).text(row->dimension_map);
  DimensionMap map;
  std::string_view terms = text;
  const size_t arrow = std::min(terms.find("->"), terms.size());
  const std::string_view result = terms.substr(std::min(arrow + 2, terms.size()));
  terms = terms.substr(0, arrow);
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const size_t comma = std::min(terms.find(','), terms.size());
    const bool there = node.inputs[i].valid();
    const size_t rank = there ? graph.value(node.inputs[i]).shape.size() : 0;
    map.inputs.push_back(there ? labels_of(terms.substr(0, comma), rank) : std::vector<int>());
    terms.remove_prefix(std::min(comma + 1, terms.size()));
  }
  map.output = labels_of(result, graph.value(node.outputs[0]).shape.size());
  drop_broadcast(graph, node, map);
  return map;
}

}  // namespace pare::ir
