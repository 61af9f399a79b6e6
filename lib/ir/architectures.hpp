// SPDX-License-Identifier: Apache-2.0
// Built-in architectures as data: a spec such as "mlp:784-300-100-10", "resnet8",
// "resnet8:width=9", "resnet20:width=16,depth=3" becomes a Model with the graph, zero-filled
// parameters and their dims. Weights are drawn by the trainer (or initialise() here, Kaiming
// fan-out, He et al. 2015, by seed and parameter name, so that they do not depend on torch).
#pragma once

#include <string_view>

#include "lib/ir/model.hpp"

namespace pare::ir {

struct ArchitectureRow {
  std::string_view name;
  std::string_view summary;
  std::string_view parameters;  // "width=16,depth=3": names and defaults
};
std::span<const ArchitectureRow> all_architectures();

// `item` is the raw data item ({C, H, W} or {features}), `classes` the output width.
// Throws UsageError("--arch", ...) on an unknown name or parameter, Error when item does not fit.
Model build_architecture(std::string_view spec, const Dims& item, int64_t classes);
void initialise(Model& model, uint64_t seed);

}  // namespace pare::ir
