// SPDX-License-Identifier: Apache-2.0
#include "lib/pass/weight_layers.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <map>
#include <set>

#include "lib/core/error.hpp"
#include "lib/ir/ops.hpp"
#include "lib/pass/float_values.hpp"

namespace pare::pass {

namespace {

std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words(1);
  for (const char c : name.substr(0, name.rfind(':'))) {
    if (c == '.' || c == '/') {
      words.emplace_back();
    } else {
      words.back() += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  return words;
}

bool named_as_weight(std::string_view name) {
  const std::vector<std::string> words = words_of(name);
  const std::string& last = words.back();
  if (!last.ends_with("weight") && !last.ends_with("kernel")) return false;
  return std::ranges::none_of(words, [](const std::string& word) {
    return word.find("embed") != std::string::npos || word.find("norm") != std::string::npos ||
           word == "wte" || word == "wpe";
  });
}

std::vector<WeightLayer> named_tensors(const ir::Model& model) {
  std::vector<WeightLayer> named, all;
  for (const auto& [name, tensor] : model.parameters.entries()) {
    if (!ir::info(tensor.dtype()).is_float || tensor.dims().size() < 2) continue;
    all.push_back({.parameter = name});
    if (named_as_weight(name)) named.push_back(all.back());
  }
  return named.empty() ? all : named;
}

struct Found {
  WeightLayer layer;
  bool other_use = false;
};

void record_uses(const ir::Model& model, size_t g, std::map<std::string, Found>& found) {
  const ir::Graph& graph = model.graphs[g];
  for (size_t n = 0; n < graph.nodes().size(); ++n) {
    const ir::Node& node = graph.nodes()[n];
    const ir::OpRow* row = ir::find_op(node.op);
    const bool linear = row != nullptr && row->integer == ir::IntegerRule::kLinear;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (!node.inputs[i].valid()) continue;
      const std::string& parameter = graph.value(node.inputs[i]).parameter;
      if (parameter.empty()) continue;
      Found& entry = found[parameter];
      const ir::Tensor& tensor = model.parameters.at(parameter);
      if (!linear || static_cast<int>(i) != row->weight_input || tensor.dims().size() < 2) {
        entry.other_use = true;
        continue;
      }
      const int axis = ir::weight_output_axis(node, static_cast<int>(tensor.dims().size()));
      if (!entry.layer.uses.empty() && entry.layer.output_axis != axis) entry.other_use = true;
      if (entry.layer.uses.empty()) entry.layer.op = node.op;
      entry.layer.output_axis = axis;
      entry.layer.nodes.push_back(node.name);
      entry.layer.uses.push_back({g, {static_cast<int32_t>(n)}});
    }
  }
}

}  // namespace

std::vector<WeightLayer> weight_layers(const ir::Model& model) {
  if (model.graphs.empty()) return named_tensors(model);
  std::map<std::string, Found> found;
  for (size_t g = 0; g < model.graphs.size(); ++g) record_uses(model, g, found);
  std::vector<WeightLayer> layers;
  for (const auto& [name, tensor] : model.parameters.entries()) {
    const auto it = found.find(name);
    if (it == found.end() || it->second.other_use || it->second.layer.uses.empty()) continue;
    if (!ir::info(tensor.dtype()).is_float) continue;
    it->second.layer.parameter = name;
    layers.push_back(std::move(it->second.layer));
  }
  return layers;
}

bool glob_match(std::string_view pattern, std::string_view name) {
  size_t p = 0, n = 0, star = std::string_view::npos, retry = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      retry = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p, ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++retry;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool matches(std::string_view pattern, const WeightLayer& layer) {
  return glob_match(pattern, layer.parameter) ||
         std::ranges::any_of(layer.nodes, [&](const auto& n) { return glob_match(pattern, n); });
}

std::vector<LayerRule> parse_layer_rules(const std::vector<std::string>& texts,
                                         std::string_view key) {
  std::vector<LayerRule> rules;
  for (const std::string& text : texts) {
    const size_t equals = text.rfind('=');
    const size_t colon = equals == std::string::npos ? equals : text.find(':', equals);
    const std::string form =
        "PATTERN=" + std::string(key) + ":NUMBER is expected, got \"" + text + "\"";
    if (colon == std::string::npos || equals == 0) throw UsageError("--layer", form);
    if (text.substr(equals + 1, colon - equals - 1) != key) throw UsageError("--layer", form);
    const std::string number = text.substr(colon + 1);
    char* end = nullptr;
    const double value = std::strtod(number.c_str(), &end);
    if (number.empty() || *end != '\0') throw UsageError("--layer", form);
    rules.push_back({.pattern = text.substr(0, equals), .value = value});
  }
  return rules;
}

std::vector<WeightLayer> without(std::vector<WeightLayer> layers,
                                 const std::vector<std::string>& patterns) {
  for (const std::string& pattern : patterns) {
    const bool any =
        std::ranges::any_of(layers, [&](const auto& l) { return matches(pattern, l); });
    if (!any) throw Error("--exclude " + pattern, "matches no layer with weights");
  }
  std::erase_if(layers, [&](const WeightLayer& layer) {
    return std::ranges::any_of(patterns, [&](const auto& p) { return matches(p, layer); });
  });
  return layers;
}

std::vector<const LayerRule*> rules_for(const std::vector<WeightLayer>& layers,
                                        const std::vector<LayerRule>& rules) {
  std::vector<const LayerRule*> held(layers.size(), nullptr);
  for (const LayerRule& rule : rules) {
    bool any = false;
    for (size_t i = 0; i < layers.size(); ++i) {
      if (!matches(rule.pattern, layers[i])) continue;
      held[i] = &rule;
      any = true;
    }
    if (!any) throw Error("--layer " + rule.pattern, "matches no layer with weights");
  }
  return held;
}

namespace {

ir::Tensor transposed(const ir::Tensor& matrix) {
  const int64_t rows = matrix.dims()[0], columns = matrix.dims()[1];
  const std::vector<float> from = ir::to_f32(matrix);
  std::vector<float> to(from.size());
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      to[static_cast<size_t>(c * rows + r)] = from[static_cast<size_t>(r * columns + c)];
    }
  }
  const ir::Tensor dense = ir::Tensor::f32({columns, rows}, to);
  if (!matrix.is_sparse()) return dense;
  return sparse_tensor(dense, nonzero(to), {.kind = ir::SparseKind::kBitmask});
}

// Every use is a Gemm without transB, or a MatMul of a 2-d value, that Gemm with transB=1 can
// replace.
bool can_transpose(const ir::Model& model, const WeightLayer& layer) {
  const ir::Tensor& weight = model.parameters.at(layer.parameter);
  if (weight.dims().size() != 2 || layer.output_axis != 1 || weight.is_quantized()) return false;
  return std::ranges::all_of(layer.uses, [&](const WeightUse& use) {
    const ir::Graph& graph = model.graphs[use.graph];
    const ir::Node& node = graph.node(use.node);
    if (node.op == "Gemm") return true;
    return node.op == "MatMul" && graph.value(node.inputs[0]).shape.size() == 2;
  });
}

}  // namespace

ir::Model with_output_rows(const ir::Model& model) {
  ir::Model result = model;
  if (model.graphs.empty()) return result;
  for (const WeightLayer& layer : weight_layers(model)) {
    if (!can_transpose(model, layer)) continue;
    const ir::Tensor weight = transposed(model.parameters.at(layer.parameter));
    for (const WeightUse& use : layer.uses) {
      ir::Graph& graph = result.graphs[use.graph];
      ir::Node& node = graph.node(use.node);
      node.op = "Gemm";
      node.attributes["transB"] = int64_t{1};
      graph.value(node.inputs[1]).shape = ir::shape_of(weight.dims());
    }
    result.parameters.set(layer.parameter, weight);
  }
  return result;
}

}  // namespace pare::pass
