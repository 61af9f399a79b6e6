// SPDX-License-Identifier: Apache-2.0
#include "prune/targets.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "lib/core/error.hpp"
#include "lib/ir/ops.hpp"
#include "lib/pass/weight_layers.hpp"
#include "prune/kept_elements.hpp"

namespace pare::prune {

namespace {

constexpr ir::SparseLayout kBitmask{.kind = ir::SparseKind::kBitmask};
constexpr ir::SparseLayout kTwoOfFour{.kind = ir::SparseKind::kNOfM, .n = 2, .m = 4};

std::vector<pass::LayerRule> layer_rules(const pass::Options& options) {
  auto rules = pass::parse_layer_rules(options.list("layer"), "sparsity");
  for (const auto& rule : rules) {
    if (!(rule.value >= 0 && rule.value < 1)) {
      throw UsageError("--layer " + rule.pattern, "sparsity must be in [0, 1)");
    }
  }
  return rules;
}

// "12.5 %"
std::string percent(int64_t part, int64_t whole) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f %%",
                whole > 0 ? 100.0 * static_cast<double>(part) / static_cast<double>(whole) : 0.0);
  return text;
}

// Sparse when that takes fewer bytes than dense, and a line that says which.
ir::Tensor stored_smallest(const std::string& name, const std::shared_ptr<const KeptElements>& kept,
                           ir::SparseLayout layout, Progress& progress) {
  const int64_t count = kept->source().count(), stored = kept->count();
  const int64_t dense = ir::byte_size(kept->dtype(), kept->source().dims());
  ir::Tensor packed = sparse_tensor(kept, layout);
  const bool sparse = packed.stored_bytes() < dense;
  const std::string kind = layout.kind == ir::SparseKind::kBitmask ? "bitmask" : "2:4";
  const std::string bytes = std::to_string(packed.stored_bytes());
  progress.log(escaped(name) + ": " + percent(count - stored, count) + " zero, stored " +
               (sparse
                    ? kind + ", " + bytes + " bytes (dense " + std::to_string(dense) + ")"
                    : "dense, " + std::to_string(dense) + " bytes (" + kind + " " + bytes + ")"));
  if (stored == 0 && count > 0) {
    progress.warn(escaped(name) +
                  ": every weight of this layer is pruned; keep some with --layer or --exclude");
  }
  return sparse ? packed : dense_tensor(kept);
}

// Each returns how many weights stay.
int64_t prune_two_of_four(const Pool& pool, ir::Model& model, int threads, Progress& progress) {
  int64_t stored = 0;
  for (const std::string& name : pool.parameters) {
    const auto kept =
        KeptElements::n_of_m(name, model.parameters.at(name), kTwoOfFour.n, kTwoOfFour.m, threads);
    stored += kept->count();
    model.parameters.set(name, stored_smallest(name, kept, kTwoOfFour, progress));
  }
  return stored;
}

int64_t prune_pool(const Pool& pool, ir::Model& model, int threads, Progress& progress) {
  std::vector<PoolTensor> tensors;
  int64_t elements = 0, stored = 0;
  for (const std::string& name : pool.parameters) {
    const ir::Tensor& tensor = model.parameters.at(name);
    elements += tensor.count();
    tensors.push_back({name, [&tensor] { return pass::FloatRanges(tensor); }});
  }
  MagnitudeCut cut = magnitude_cut(tensors, removed_elements(pool.sparsity, elements), threads);
  const bool copy = cut.bits == 0 && cut.ties == 0;  // sparsity 0
  for (const std::string& name : pool.parameters) {
    const ir::Tensor& source = model.parameters.at(name);
    if (copy) {
      stored += source.count() - ir::zero_count(source, threads);
      continue;
    }
    const auto kept = KeptElements::by_cut(source, cut, threads);
    stored += kept->count();
    model.parameters.set(name, stored_smallest(name, kept, kBitmask, progress));
  }
  return stored;
}

}  // namespace

int64_t removed_elements(double sparsity, int64_t elements) {
  return std::llround(sparsity * static_cast<double>(elements));
}

void validate_targets(const pass::Options& options) {
  layer_rules(options);
  const bool pattern = options.text("pattern") != "unstructured";
  if (!pattern && !options.given("sparsity")) {
    throw UsageError("--sparsity", "is needed: the fraction of weights to remove, e.g. 0.7");
  }
  for (const char* name : {"sparsity", "scope", "layer"}) {
    if (pattern && options.given(name)) {
      throw UsageError(std::string("--") + name,
                       "has no effect with --pattern 2:4, which removes half");
    }
  }
}

Targets resolve_targets(const ir::Model& model, const pass::Options& options) {
  const auto layers = pass::without(pass::weight_layers(model), options.list("exclude"));
  if (layers.empty()) throw Error("model", "has no weights to prune");
  for (const auto& layer : layers) {
    if (!model.parameters.at(layer.parameter).is_quantized()) continue;
    throw Error(escaped(layer.parameter),
                "is quantized: prune the float model first, then quantize it");
  }
  const auto rules = layer_rules(options);
  const auto held = pass::rules_for(layers, rules);
  const double sparsity = options.has("sparsity") ? options.number("sparsity") : 0.5;
  const bool per_layer = options.text("scope") == "layer";
  Targets targets{.two_of_four = options.text("pattern") == "2:4"};
  Pool global{.sparsity = sparsity};
  for (size_t i = 0; i < layers.size(); ++i) {
    if (held[i] != nullptr) {
      targets.pools.push_back({{layers[i].parameter}, held[i]->value});
    } else if (per_layer) {
      targets.pools.push_back({{layers[i].parameter}, sparsity});
    } else {
      global.parameters.push_back(layers[i].parameter);
    }
  }
  if (!global.parameters.empty()) targets.pools.push_back(std::move(global));
  return targets;
}

ir::Model pruned(const ir::Model& model, const Targets& targets, int threads, Progress& progress) {
  ir::Model result = model;
  int64_t weights = 0, stored = 0;
  for (const Pool& pool : targets.pools) {
    for (const std::string& name : pool.parameters) weights += model.parameters.at(name).count();
    stored += targets.two_of_four ? prune_two_of_four(pool, result, threads, progress)
                                  : prune_pool(pool, result, threads, progress);
  }
  const int64_t zero = weights - stored;
  // A 16-bit weight that became sparse is f32 to the graph.
  for (ir::Graph& graph : result.graphs) ir::infer_shapes(result, graph);
  progress.log(std::to_string(zero) + " of " + std::to_string(weights) + " weights are zero (" +
               percent(zero, weights) + ")");
  return result;
}

}  // namespace pare::prune
