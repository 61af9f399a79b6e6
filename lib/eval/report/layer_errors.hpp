// SPDX-License-Identifier: Apache-2.0
// The picture of what changed in the weights as inline SVG: one row a layer, one mark a model, at
// the SQNR of its weights against the base's; equal ones in a column of their own at the right.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace pare::eval {

struct LayerErrorMark {
  std::string label;           // of the model
  size_t series = 0;           // index of its colour
  std::optional<double> sqnr;  // dB; absent: equal to the base's
};

struct LayerErrorRow {
  std::string layer;
  std::vector<LayerErrorMark> marks;  // at least one
};

// `rows` is not empty; `models` is how many lanes a row has.
std::string layer_errors_svg(const std::vector<LayerErrorRow>& rows, size_t models);
// "31.4 dB", "equal"
std::string sqnr_text(const std::optional<double>& sqnr);

}  // namespace pare::eval
