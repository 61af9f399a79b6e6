// SPDX-License-Identifier: Apache-2.0
// From a float weight to a quantized tensor. What grows with the model is deferred: codes, and the
// scales of groups (one number for 32 weights adds up too), so that a writer holds one tensor at a
// time. NaN and the type of the scales show at once, for which the weight is read once. A sparse
// weight keeps its mask and stores codes of its stored elements only, unless dense codes take fewer
// bytes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lib/ir/tensor.hpp"

namespace pare::quantize {

enum class Granularity : uint8_t { kTensor, kChannel, kGroup };

struct WeightScheme {
  int bits = 8;  // 8 or 4
  bool symmetric = true;
  Granularity granularity = Granularity::kChannel;
  int64_t group_size = 0;  // kGroup: elements along a row; the row's last group may be shorter
  int axis = 0;            // of output channels; 0 for kGroup
  // Least squared error, and 4-bit codes balanced, instead of covering the range and rounding to
  // nearest.
  bool search = false;
};

// Groups of the weights that were evaluated last, so that scales and codes of one weight are worked
// out together. Shared by the tensors of one model.
class RecentGroups;
std::shared_ptr<RecentGroups> recent_groups();

// Throws Error(name, ...) on NaN or Inf. The same bytes for any number of threads.
ir::Tensor quantized_weight(const std::string& name, const ir::Tensor& weight,
                            const WeightScheme& scheme, int threads,
                            std::shared_ptr<RecentGroups> recent = recent_groups());

// The same with the given symmetric scales, one an output channel (and 8 bits).
ir::Tensor quantized_weight(const ir::Tensor& weight, std::vector<float> scales, int axis,
                            int threads);

// Symmetric 8-bit scales that cover each output channel. Throws Error(name, ...) on NaN or Inf.
std::vector<float> channel_scales(const std::string& name, const ir::Tensor& weight,
                                  const WeightScheme& scheme, int threads);

}  // namespace pare::quantize
