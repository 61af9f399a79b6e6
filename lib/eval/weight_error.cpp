// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/weight_error.hpp"

#include <cmath>
#include <map>

#include "lib/runtime/session.hpp"

namespace pare::eval {
namespace {

// Of one layer, over its tensors of two or more dimensions.
struct Found {
  WeightError sums;
  bool has_weights = false;
  bool other_shape = false;
  bool not_in_base = false;
};

bool same_entry(const ir::HistoryEntry& a, const ir::HistoryEntry& b) {
  return a.pass == b.pass && a.options == b.options && a.seed == b.seed && a.inputs == b.inputs;
}

// Histories that begin alike are of models that were once one; a file without one may be anything.
bool trained_apart(const ir::Model& a, const ir::Model& b) {
  const auto& ours = a.metadata.history;
  const auto& theirs = b.metadata.history;
  return !ours.empty() && !theirs.empty() && !same_entry(ours.front(), theirs.front());
}

void add(const ir::Tensor& before, const ir::Tensor& now, WeightError& sums) {
  const std::vector<float> original = ir::to_f32(before);
  const std::vector<float> stored = ir::to_f32(now);
  for (size_t i = 0; i < stored.size(); ++i) {
    const auto x = static_cast<double>(original[i]);
    const double off = static_cast<double>(stored[i]) - x;
    sums.signal += x * x;
    sums.error += off * off;
  }
}

std::map<std::string, Found> compared(const ir::Model& base, const ir::Model& candidate) {
  const ir::Model theirs = runtime::fold_batch_norm(base);
  const ir::Model ours = runtime::fold_batch_norm(candidate);
  std::map<std::string, Found> layers;
  for (const auto& [name, tensor] : ours.parameters.entries()) {
    if (tensor.dims().size() < 2 || !is_weight_like(tensor)) continue;
    Found& layer = layers[layer_of(name)];
    layer.has_weights = true;
    if (!theirs.parameters.contains(name)) {
      layer.not_in_base = true;
    } else if (const ir::Tensor& before = theirs.parameters.at(name);
               before.dims() != tensor.dims()) {
      layer.other_shape = true;
    } else {
      add(before, tensor, layer.sums);
    }
  }
  return layers;
}

std::string obstacle(const Found& found) {
  if (!found.has_weights) return "no weights of two or more dimensions";
  if (found.not_in_base) return "the base has no weights of this name";
  if (found.other_shape) return "the base's weights have another shape";
  if (!(found.sums.signal > 0) || !std::isfinite(found.sums.signal + found.sums.error)) {
    return "the base's weights are all zero or not finite";
  }
  return "";
}

}  // namespace

std::optional<double> WeightError::sqnr_db() const {
  if (!(error > 0)) return std::nullopt;
  return 10.0 * std::log10(signal / error);
}

double WeightError::relative_rms() const { return std::sqrt(error / signal); }

void add_weight_errors(const ir::Model& base, const ir::Model& candidate,
                       std::vector<LayerSize>& layers) {
  if (trained_apart(base, candidate)) {
    for (LayerSize& layer : layers) layer.no_weight_error = "trained apart from the base";
    return;
  }
  const std::map<std::string, Found> found = compared(base, candidate);
  for (LayerSize& layer : layers) {
    const auto place = found.find(layer.name);
    const Found& own = place == found.end() ? Found{} : place->second;
    layer.no_weight_error = obstacle(own);
    if (layer.no_weight_error.empty()) layer.weight_error = own.sums;
  }
}

}  // namespace pare::eval
