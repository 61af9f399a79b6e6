// SPDX-License-Identifier: Apache-2.0
// From a float weight to a quantized tensor. Scales are computed at once (they are small, and that
// is where NaN shows), codes are deferred: the writer evaluates them one tensor at a time. A sparse
// weight keeps its mask and stores codes of its stored elements only, unless dense codes take fewer
// bytes.
#pragma once

#include <string>

#include "lib/ir/tensor.hpp"

namespace pare::quantize {

enum class Granularity : uint8_t { kTensor, kChannel, kGroup };

struct WeightScheme {
  int bits = 8;  // 8 or 4
  bool symmetric = true;
  Granularity granularity = Granularity::kChannel;
  int64_t group_size = 0;  // kGroup: elements along a row; the row's last group may be shorter
  int axis = 0;            // of output channels; 0 for kGroup
  bool search = false;     // least squared error instead of covering the range
};

// Throws Error(name, ...) on NaN or Inf. The same bytes for any number of threads.
ir::Tensor quantized_weight(const std::string& name, const ir::Tensor& weight,
                            const WeightScheme& scheme, int threads);

// The same with the given symmetric scales, one an output channel (and 8 bits).
ir::Tensor quantized_weight(const ir::Tensor& weight, std::vector<float> scales, int axis,
                            int threads);

// Symmetric 8-bit scales that cover each output channel. Throws Error(name, ...) on NaN or Inf.
std::vector<float> channel_scales(const std::string& name, const ir::Tensor& weight,
                                  const WeightScheme& scheme, int threads);

}  // namespace pare::quantize
