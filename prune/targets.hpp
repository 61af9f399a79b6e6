// SPDX-License-Identifier: Apache-2.0
// What a prune request means for one model: pools of weights that share a threshold, each with its
// sparsity, or the n:m pattern for all of them; and the step from dense weights to pruned tensors.
#pragma once

#include <string>
#include <vector>

#include "lib/ir/model.hpp"
#include "lib/pass/pass.hpp"
#include "prune/magnitude_cut.hpp"

namespace pare::prune {

// Weights ranked together; round(sparsity * elements) of them go.
struct Pool {
  std::vector<std::string> parameters;
  double sparsity = 0;
};

struct Targets {
  std::vector<Pool> pools;
  bool two_of_four = false;  // the pools' sparsity is not used
};

// Number of elements to remove: the integer nearest to sparsity * elements.
int64_t removed_elements(double sparsity, int64_t elements);

// Resolves --scope, --sparsity, --pattern, --exclude and --layer. Throws Error on a pattern that
// matches nothing, a model without weights, and weights that are quantized already.
Targets resolve_targets(const ir::Model& model, const pass::Options& options);

// Checks that need no model: throws UsageError.
void validate_targets(const pass::Options& options);

// The model with the targets met exactly, every pruned weight in its smallest layout; one line a
// weight to `progress`. Throws Error(weight) on NaN or Inf.
ir::Model pruned(const ir::Model& model, const Targets& targets, int threads, Progress& progress);

}  // namespace pare::prune
