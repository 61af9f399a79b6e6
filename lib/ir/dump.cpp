// SPDX-License-Identifier: Apache-2.0
// The text listing of a model: names from files are escaped, so that a listing is safe to print.
#include <sstream>

#include "lib/core/error.hpp"
#include "lib/ir/ops.hpp"

namespace pare::ir {

namespace {

template <class T>
std::string list_text(const std::vector<T>& items) {
  std::ostringstream out;
  out << '[';
  for (size_t i = 0; i < items.size(); ++i) out << (i > 0 ? ", " : "") << items[i];
  out << ']';
  return out.str();
}

std::string attribute_text(const Attribute& attribute) {
  std::ostringstream out;
  if (const auto* i = std::get_if<int64_t>(&attribute)) out << *i;
  if (const auto* x = std::get_if<double>(&attribute)) out << *x;
  if (const auto* text = std::get_if<std::string>(&attribute)) out << '"' << escaped(*text) << '"';
  if (const auto* list = std::get_if<std::vector<int64_t>>(&attribute)) out << list_text(*list);
  if (const auto* list = std::get_if<std::vector<double>>(&attribute)) out << list_text(*list);
  return out.str();
}

std::string type_text(const Value& value) {
  std::ostringstream out;
  out << name_of(value.dtype) << ' ' << escaped(to_string(value.shape));
  if (value.quant) {
    out << ' ' << name_of(value.quant->code) << "{scale=" << value.quant->scale
        << ", zero_point=" << value.quant->zero_point << '}';
  }
  return out.str();
}

std::string node_text(const Graph& graph, const Node& node) {
  std::ostringstream out;
  const auto names = [&](const std::vector<ValueId>& ids) {
    for (size_t i = 0; i < ids.size(); ++i) {
      out << (i > 0 ? ", " : "")
          << (ids[i].valid() ? "%" + escaped(graph.value(ids[i]).name) : "-");
    }
  };
  names(node.outputs);
  out << " = " << escaped(node.op) << '(';
  names(node.inputs);
  out << ')';
  const char* separator = " {";
  for (const auto& [key, value] : node.attributes) {
    out << separator << escaped(key) << '=' << attribute_text(value);
    separator = ", ";
  }
  if (!node.attributes.empty()) out << '}';
  out << " : ";
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    out << (i > 0 ? ", " : "") << type_text(graph.value(node.outputs[i]));
  }
  return out.str();
}

std::string tensor_text(const Tensor& tensor) {
  std::ostringstream out;
  out << name_of(tensor.dtype()) << ' ' << to_string(tensor.dims());
  if (const QuantScheme* s = tensor.scheme()) {
    out << ' ' << name_of(s->code)
        << (s->codebook    ? " codebook"
            : s->symmetric ? " symmetric"
                           : " asymmetric");
    if (s->axis >= 0) out << " axis=" << s->axis;
    if (s->group_size > 0) out << " group=" << s->group_size;
    if (s->super_group > 0) out << " super_group=" << s->super_group;
  }
  const SparseLayout layout = tensor.layout();
  if (layout.kind == SparseKind::kBitmask) out << " sparse bitmask";
  if (layout.kind == SparseKind::kNOfM) out << " sparse " << layout.n << ':' << layout.m;
  if (layout.kind == SparseKind::kBlock) out << " sparse blocks of " << layout.block;
  if (tensor.is_sparse()) out << " stored=" << tensor.stored_elements();
  out << ' ' << tensor.stored_bytes() << " bytes";
  return out.str();
}

void dump_graph(std::ostream& out, const Graph& graph) {
  out << "graph " << escaped(graph.name) << '\n';
  for (const ValueId id : graph.inputs) {
    out << "  input %" << escaped(graph.value(id).name) << " : " << type_text(graph.value(id))
        << '\n';
  }
  for (const Node& node : graph.nodes()) out << "  " << node_text(graph, node) << '\n';
  for (const ValueId id : graph.outputs)
    out << "  output %" << escaped(graph.value(id).name) << '\n';
  for (const StatePair& state : graph.states) {
    out << "  state %" << escaped(graph.value(state.input).name) << " <- %"
        << escaped(graph.value(state.output).name);
    if (state.axis >= 0) out << " axis=" << state.axis << " capacity=" << state.capacity;
    out << '\n';
  }
}

}  // namespace

std::string dump(const Model& model) {
  std::ostringstream out;
  for (const Graph& graph : model.graphs) dump_graph(out, graph);
  if (!model.parameters.entries().empty()) out << "parameters\n";
  for (const auto& entry : model.parameters.entries()) {
    out << "  %" << escaped(entry.name) << " : " << tensor_text(entry.tensor) << '\n';
  }
  return out.str();
}

}  // namespace pare::ir
