// SPDX-License-Identifier: Apache-2.0
// From raw items to model inputs: preprocessing as the model states it, and augmentation for
// training.
#pragma once

#include <span>

#include "lib/data/dataset.hpp"

namespace pare::data {

// Applied to raw images before preprocessing; every draw is a function of (seed, item, draw).
struct Augmentation {
  int shift = 0;      // whole pixels, each axis, zero fill: uniform in [-shift, shift]
  int crop_pad = 0;   // zero-pad by this and crop back at a random place
  bool flip = false;  // left-right with probability 1/2
  uint64_t seed = 0;
  bool any() const { return shift > 0 || crop_pad > 0 || flip; }
};

// Throws Error(subject) when the data set's items cannot feed a model with this preprocessing and
// input shape (dims without batch), saying both shapes.
void check_compatible(const DatasetInfo& data, const ir::Preprocessing& preprocessing,
                      const ir::Dims& model_input, const std::string& subject);

// Fills out[batch, ...] in the model's layout for the given items. `draw` counts how often an item
// has been seen (the epoch); it selects the augmentation. Pass a null augmentation for evaluation.
// Throws Error when an item holds NaN or Inf.
void load_batch(const Dataset& dataset, const ir::Preprocessing& preprocessing,
                std::span<const int64_t> items, const Augmentation* augmentation, int64_t draw,
                std::span<float> out, int threads);

}  // namespace pare::data
