// SPDX-License-Identifier: Apache-2.0
// Which parameters of a model are weights that pruning and quantization may touch, and how a user
// names them. A weight is a parameter that Conv, Gemm or MatMul takes as its weight input
// everywhere it is used (see OpRow::weight_input); biases, normalization parameters and embeddings
// are not weights. In a model without a graph, the name has to tell: a floating parameter with two
// or more dimensions counts when the last word of its name is "weight" or "kernel" and none of its
// words is about embeddings or normalization (embed..., wte, wpe, ...norm...); where no parameter
// is named so, every floating one with two or more dimensions counts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/ir/model.hpp"

namespace pare::pass {

struct WeightUse {
  size_t graph = 0;  // index into Model::graphs
  ir::NodeId node;
};

struct WeightLayer {
  std::string parameter;
  std::string op;                  // of its first use; "" in a model without a graph
  std::vector<std::string> nodes;  // names of the nodes that use it
  std::vector<WeightUse> uses;
  int output_axis = 0;  // of output channels
};

// In the order of the parameter table. A weight whose uses disagree about the output axis is left
// out.
std::vector<WeightLayer> weight_layers(const ir::Model& model);

// '*' stands for any characters, '?' for one; the whole name must match.
bool glob_match(std::string_view pattern, std::string_view name);
// The parameter's or one of the nodes' names matches.
bool matches(std::string_view pattern, const WeightLayer& layer);

// "PATTERN=key:value" of --layer. Throws UsageError("--layer", ...) unless the key is `key` and the
// value a number.
struct LayerRule {
  std::string pattern;
  double value = 0;
};
std::vector<LayerRule> parse_layer_rules(const std::vector<std::string>& texts,
                                         std::string_view key);

// The layers that no pattern names. Throws Error when a pattern names no layer.
std::vector<WeightLayer> without(std::vector<WeightLayer> layers,
                                 const std::vector<std::string>& patterns);
// For each layer the rule that holds for it (the last that matches), or null. Throws Error when a
// rule matches no layer.
std::vector<const LayerRule*> rules_for(const std::vector<WeightLayer>& layers,
                                        const std::vector<LayerRule>& rules);

// Rewrites every Gemm without transB, and every MatMul of 2-d values, whose weight is such a
// parameter to a Gemm with transB=1 and the transposed weight, so that rows are output channels and
// groups along a row are groups along the reduction. Results of the graph stay the same numbers.
ir::Model with_output_rows(const ir::Model& model);

}  // namespace pare::pass
