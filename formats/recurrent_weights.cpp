// SPDX-License-Identifier: Apache-2.0
#include "formats/recurrent_weights.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

namespace pare::formats {

namespace {

using Entry = ir::ParameterTable::Entry;

// Which gate of PyTorch's comes first, second ... in ONNX.
constexpr std::array<size_t, 4> kLstmGates{0, 3, 1, 2};  // i f g o -> i o f c
constexpr std::array<size_t, 3> kGruGates{1, 0, 2};      // r z n -> z r h

// The last word of PyTorch's name, the layer's number set aside: "rnn.weight_ih_l0" -> weight_ih.
bool is_named(const Entry& entry, std::string_view what) {
  const size_t dot = entry.name.rfind('.');
  const std::string word = dot == std::string::npos ? entry.name : entry.name.substr(dot + 1);
  return word == what || word.starts_with(std::string(what) + "_l");
}

class NodeMatcher {
 public:
  NodeMatcher(const ir::Model& model, const ir::Graph& graph, const ir::Node& node,
              const std::vector<const Entry*>& left, const std::set<const Entry*>& taken)
      : model_(model), graph_(graph), node_(node), left_(left), taken_(taken) {}

  std::optional<RecurrentMatch> match() const {
    const std::string w = parameter(1), r = parameter(2), b = parameter(3);
    if (w.empty() || r.empty()) return std::nullopt;
    const ir::Dims& dims = model_.parameters.at(w).dims();
    const ir::Dims& recurrent = model_.parameters.at(r).dims();
    if (dims.size() != 3 || dims[0] != 1 || recurrent.size() != 3) return std::nullopt;
    const Entry* ih = find("weight_ih", {dims[1], dims[2]});
    const Entry* hh = find("weight_hh", {recurrent[1], recurrent[2]});
    if (!ih || !hh) return std::nullopt;
    RecurrentMatch out{.parameters = {{w, ordered(*ih, dims)}, {r, ordered(*hh, recurrent)}},
                       .used = {ih, hh}};
    if (b.empty()) return out;
    const Entry* bias_ih = find("bias_ih", {dims[1]});
    const Entry* bias_hh = find("bias_hh", {dims[1]});
    if (!bias_ih || !bias_hh) return std::nullopt;
    std::vector<float> bias = gates_for_onnx(ir::to_f32(bias_ih->tensor), lstm());
    const std::vector<float> second = gates_for_onnx(ir::to_f32(bias_hh->tensor), lstm());
    bias.insert(bias.end(), second.begin(), second.end());
    if (model_.parameters.at(b).count() != static_cast<int64_t>(bias.size())) return std::nullopt;
    out.parameters.emplace_back(b, ir::Tensor::f32(model_.parameters.at(b).dims(), bias));
    out.used.insert(out.used.end(), {bias_ih, bias_hh});
    return out;
  }

 private:
  bool lstm() const { return node_.op == "LSTM"; }

  std::string parameter(size_t input) const {
    if (input >= node_.inputs.size() || !node_.inputs[input].valid()) return "";
    return graph_.value(node_.inputs[input]).parameter;
  }

  const Entry* find(std::string_view what, const ir::Dims& dims) const {
    const auto it = std::ranges::find_if(left_, [&](const Entry* entry) {
      return !taken_.contains(entry) && is_named(*entry, what) && entry->tensor.dims() == dims;
    });
    return it == left_.end() ? nullptr : *it;
  }

  ir::Tensor ordered(const Entry& entry, const ir::Dims& dims) const {
    return ir::Tensor::f32(dims, gates_for_onnx(ir::to_f32(entry.tensor), lstm()));
  }

  const ir::Model& model_;
  const ir::Graph& graph_;
  const ir::Node& node_;
  const std::vector<const Entry*>& left_;
  const std::set<const Entry*>& taken_;
};

}  // namespace

std::vector<float> gates_for_onnx(const std::vector<float>& rows, bool lstm) {
  const std::span<const size_t> order =
      lstm ? std::span<const size_t>(kLstmGates) : std::span<const size_t>(kGruGates);
  const size_t gate = rows.size() / order.size();
  std::vector<float> out;
  out.reserve(rows.size());
  for (const size_t from : order) {
    const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(from * gate);
    out.insert(out.end(), begin, begin + static_cast<std::ptrdiff_t>(gate));
  }
  return out;
}

std::vector<RecurrentMatch> match_recurrent_weights(const ir::Model& model,
                                                    const std::vector<std::string>& wanted,
                                                    const std::vector<const Entry*>& left) {
  std::vector<RecurrentMatch> out;
  std::set<const Entry*> taken;
  for (const ir::Graph& graph : model.graphs) {
    for (const ir::Node& node : graph.nodes()) {
      if (node.op != "LSTM" && node.op != "GRU") continue;
      const auto match = NodeMatcher(model, graph, node, left, taken).match();
      if (!match) continue;
      const bool all_wanted = std::ranges::all_of(match->parameters, [&](const auto& parameter) {
        return std::ranges::find(wanted, parameter.first) != wanted.end();
      });
      if (!all_wanted) continue;
      taken.insert(match->used.begin(), match->used.end());
      out.push_back(*match);
    }
  }
  return out;
}

}  // namespace pare::formats
