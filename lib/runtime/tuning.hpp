// SPDX-License-Identifier: Apache-2.0
// Which layers of a quantized model are slower in integers than they were in float, on this
// machine: measured once, kept in a file, and an input to quantization like any other. The runtime
// itself never measures.
#pragma once

#include <string>
#include <vector>

#include "lib/core/json.hpp"
#include "lib/runtime/layer_bench.hpp"

namespace pare::runtime {

struct LayerComparison {
  std::string node;  // the one with the weight
  double float_us = 0, integer_us = 0;
  // Beyond what the median of a noisy machine may be off by.
  bool slower_in_integers() const { return integer_us > 1.05 * float_us; }
  bool operator==(const LayerComparison&) const = default;
};

// Layers with weights that run in float in one and in integers in the other, in the order of the
// first.
std::vector<LayerComparison> compare_layers(const std::vector<LayerTiming>& floats,
                                            const std::vector<LayerTiming>& integers);

// {"schema_version", "isa", "batch_size", "threads", "layers": [{"node", "float_us",
// "integer_us"}]}
Json tuning_json(const std::vector<LayerComparison>& layers, int64_t batch, int threads);
// Throws Error(subject, ...) on anything else.
std::vector<LayerComparison> parse_tuning(std::string_view text, const std::string& subject);

}  // namespace pare::runtime
