// SPDX-License-Identifier: Apache-2.0
// Checks in an order in which each may rely on those before: ids, names, definitions, operators,
// parameters, shapes, state, quantization.
#include <algorithm>
#include <cmath>
#include <set>

#include "lib/core/error.hpp"
#include "lib/ir/geometry.hpp"
#include "lib/ir/ops.hpp"

namespace pare::ir {

namespace {

constexpr size_t kLargestRank = 16;
using NameSet = std::set<std::string, std::less<>>;

class GraphCheck {
 public:
  GraphCheck(const Model& model, const Graph& graph) : model_(model), graph_(graph) {}

  void run() {
    check_ids();
    check_names();
    check_definitions();
    check_attributes();
    check_values();
    check_shapes();
    check_states();
  }

 private:
  [[noreturn]] void fail(const std::string& subject, const std::string& fact) const {
    throw Error(subject.empty() ? graph_.name : subject, fact);
  }

  void check_id(ValueId id, const std::string& subject, bool optional = false) const {
    const bool absent = id.index == -1 && optional;
    if (!absent && (id.index < 0 || static_cast<size_t>(id.index) >= graph_.values().size())) {
      fail(subject, "refers to value " + std::to_string(id.index) + " of " +
                        std::to_string(graph_.values().size()));
    }
  }

  void check_ids() const {
    for (const Node& node : graph_.nodes()) {
      for (const ValueId id : node.inputs) check_id(id, node.name, true);
      for (const ValueId id : node.outputs) check_id(id, node.name);
    }
    for (const ValueId id : graph_.inputs) check_id(id, graph_.name);
    for (const ValueId id : graph_.outputs) check_id(id, graph_.name);
    for (const StatePair& state : graph_.states) {
      check_id(state.input, graph_.name);
      check_id(state.output, graph_.name);
    }
  }

  void check_names() const {
    NameSet values, nodes;
    for (const Value& value : graph_.values()) {
      if (value.name.empty()) fail(graph_.name, "holds a value without a name");
      if (!values.insert(value.name).second) fail(value.name, "two values have this name");
    }
    for (const Node& node : graph_.nodes()) {
      if (node.name.empty()) fail(graph_.name, "holds a node without a name");
      if (!nodes.insert(node.name).second) fail(node.name, "two nodes have this name");
    }
  }

  // Every value that is used has exactly one origin, and it comes before its use.
  void check_definitions() const {
    std::vector<bool> defined(graph_.values().size());
    const auto define = [&](ValueId id) {
      if (defined[static_cast<size_t>(id.index)]) fail(graph_.value(id).name, "is defined twice");
      defined[static_cast<size_t>(id.index)] = true;
    };
    const auto use = [&](ValueId id, const std::string& subject) {
      if (id.valid() && !defined[static_cast<size_t>(id.index)]) {
        fail(subject, "uses " + graph_.value(id).name + " before it is made");
      }
    };
    for (size_t i = 0; i < graph_.values().size(); ++i) {
      if (!graph_.values()[i].parameter.empty()) define({static_cast<int32_t>(i)});
    }
    std::ranges::for_each(graph_.inputs, define);
    for (const Node& node : graph_.nodes()) {
      for (const ValueId id : node.inputs) use(id, node.name);
      std::ranges::for_each(node.outputs, define);
    }
    for (const ValueId id : graph_.outputs) use(id, graph_.name);
    if (graph_.outputs.empty()) fail(graph_.name, "has no output");
  }

  void check_attributes() const {
    for (const Node& node : graph_.nodes()) {
      const OpRow* row = find_op(node.op);
      if (!row) fail(node.name, "unknown operator " + node.op);
      for (const auto& [key, ignored] : node.attributes) {
        if (std::ranges::find(row->attributes, key) == row->attributes.end()) {
          fail(node.name, node.op + " has no attribute " + key);
        }
      }
    }
  }

  void check_values() const {
    for (const Value& value : graph_.values()) {
      if (value.shape.size() > kLargestRank) fail(value.name, "has more than 16 dimensions");
      for (const Dim& dim : value.shape) {
        const bool one_of =
            dim.known() ? dim.symbol.empty() : dim.size == -1 && !dim.symbol.empty();
        if (!one_of || dim.size > kLargestDim)
          fail(value.name, "has shape " + to_string(value.shape));
      }
      if (value.quant) check_quant(value);
    }
  }

  void check_quant(const Value& value) const {
    const ActivationQuant& q = *value.quant;
    if (q.code != DType::kU8 && q.code != DType::kI8) {
      fail(value.name, "activation codes are u8 or i8, found " + std::string(name_of(q.code)));
    }
    if (!std::isfinite(q.scale) || q.scale <= 0) {
      fail(value.name, "activation scale is " + std::to_string(q.scale));
    }
    if (q.zero_point < min_code(q.code) || q.zero_point > max_code(q.code)) {
      fail(value.name, "activation zero point is " + std::to_string(q.zero_point));
    }
    if (value.dtype != DType::kF32 || !value.parameter.empty()) {
      fail(value.name, "only f32 activations are quantized");
    }
  }

  void check_shapes() const {
    Graph inferred = graph_;
    infer_shapes(model_, inferred);
    for (size_t i = 0; i < graph_.values().size(); ++i) {
      const Value& stored = graph_.values()[i];
      const Value& expected = inferred.values()[i];
      if (stored.shape != expected.shape || stored.dtype != expected.dtype) {
        fail(stored.name, "is stated as " + std::string(name_of(stored.dtype)) + " " +
                              to_string(stored.shape) + " but is " +
                              std::string(name_of(expected.dtype)) + " " +
                              to_string(expected.shape));
      }
    }
  }

  void check_states() const {
    std::set<ValueId> ends;
    for (const StatePair& state : graph_.states) {
      const Value& in = graph_.value(state.input);
      const Value& out = graph_.value(state.output);
      if (std::ranges::find(graph_.inputs, state.input) == graph_.inputs.end()) {
        fail(in.name, "state input is not an input of the graph");
      }
      if (std::ranges::find(graph_.outputs, state.output) == graph_.outputs.end()) {
        fail(out.name, "state output is not an output of the graph");
      }
      if (!ends.insert(state.input).second || !ends.insert(state.output).second) {
        fail(in.name, "takes part in two states");
      }
      check_state(state, in, out);
    }
  }

  void check_state(const StatePair& state, const Value& in, const Value& out) const {
    const auto rank = static_cast<int>(in.shape.size());
    if (state.axis < -1 || state.axis >= rank || (state.axis >= 0) != (state.capacity > 0)) {
      fail(in.name, "state has axis " + std::to_string(state.axis) + " and capacity " +
                        std::to_string(state.capacity));
    }
    bool agree = in.dtype == out.dtype && in.shape.size() == out.shape.size();
    for (int i = 0; agree && i < rank; ++i) {
      const auto at = static_cast<size_t>(i);
      agree = i == state.axis ? in.shape[at].size <= state.capacity : in.shape[at] == out.shape[at];
    }
    if (!agree) {
      fail(in.name,
           "state " + to_string(in.shape) + " does not go with its output " + to_string(out.shape));
    }
  }

  const Model& model_;
  const Graph& graph_;
};

void check_preprocessing(const Preprocessing& p) {
  const auto finite = [](float x) { return std::isfinite(x); };
  if (!finite(p.input_scale) || !std::ranges::all_of(p.mean, finite)) {
    throw Error("preprocessing", "input scale or mean is not finite");
  }
  const auto positive = [&](float x) { return finite(x) && x > 0; };
  if (!std::ranges::all_of(p.std, positive)) throw Error("preprocessing", "a std is not positive");
  if (p.layout != "NCHW" && p.layout != "NHWC")
    throw Error("preprocessing", "layout is " + p.layout);
  for (const int64_t size : p.size) {
    if (size < 1 || size > kLargestDim)
      throw Error("preprocessing", "size is " + to_string(p.size));
  }
}

}  // namespace

void verify(const Model& model) {
  NameSet names;
  for (const Graph& graph : model.graphs) {
    if (graph.name.empty()) throw Error("model", "a graph has no name");
    if (!names.insert(graph.name).second) throw Error(graph.name, "two graphs have this name");
  }
  for (const auto& entry : model.parameters.entries()) {
    if (entry.name.empty()) throw Error("model", "a parameter has no name");
  }
  for (const Graph& graph : model.graphs) GraphCheck(model, graph).run();
  check_preprocessing(model.metadata.preprocessing);
}

}  // namespace pare::ir
