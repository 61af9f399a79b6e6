// SPDX-License-Identifier: Apache-2.0
// What layers give on the same items in two models, and what a layer gives in one: the measured
// ground of a diagnosis.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/data/dataset.hpp"
#include "lib/ir/model.hpp"

namespace pare::eval {

// Sums over all elements of a value on all items, x in the reference and y in the other model.
struct OutputError {
  double signal = 0;  // sum of x^2
  double error = 0;   // sum of (x - y)^2
  double other = 0;   // sum of y^2
  double dot = 0;     // sum of x y
  // 10 log10(signal / error); nothing when the two are equal.
  std::optional<double> sqnr_db() const;
  double cosine() const;  // 1 when both are zero
};

// A value to look at: its name in the reference and in the other model.
struct WatchedOutput {
  ir::ValueId reference;
  ir::ValueId other;
};

// One entry an output. Both models run the first `count` items on one thread, each with its own
// preprocessing.
std::vector<OutputError> output_errors(const ir::Model& reference, const ir::Model& other,
                                       std::span<const WatchedOutput> outputs,
                                       const data::Dataset& items, int64_t count);

// What a value held.
struct ObservedOutput {
  float low = 0;   // 0 included
  float high = 0;  // likewise
  int64_t count = 0;
  std::vector<float> sample;  // every k-th element, k odd
  // One a channel: axis 1 of an image, else the last axis.
  std::vector<float> channel_peak;    // largest |x|
  std::vector<double> channel_power;  // sum of x^2
};
std::vector<ObservedOutput> observe(const ir::Model& model, std::span<const ir::ValueId> outputs,
                                    const data::Dataset& items, int64_t count);

}  // namespace pare::eval
