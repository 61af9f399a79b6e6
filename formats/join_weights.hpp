// SPDX-License-Identifier: Apache-2.0
// Gives weights that came without a graph the graph of a built-in architecture or of another model
// file. Parameters are matched by name and shape:
// 1. the same name;
// 2. the same name once case, separators and the frameworks' synonyms (running_mean and
//    moving_mean, gamma and weight ...) are set aside, one name possibly being the end of the
//    other;
// 3. in order, among those of the same role (weight, bias ...) and shape, when both sides have the
//    same number of them;
// 4. the four tensors of a PyTorch LSTM or GRU cell, whose gates ONNX orders otherwise.
// A matrix that the graph multiplies from the right is transposed when that is what fits.
#pragma once

#include <string>

#include "formats/formats.hpp"

namespace pare::formats {

// What matched and what is left over is said through options.note. Throws Error(path) when a
// parameter is missing or of another shape, naming the first few; the graph's integer constants,
// and constants of a graph file that no layer takes as a weight, need no match.
ir::Model join_weights(const ir::Model& weights, const std::string& path,
                       const ReadOptions& options);

}  // namespace pare::formats
