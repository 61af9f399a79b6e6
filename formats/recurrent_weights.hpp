// SPDX-License-Identifier: Apache-2.0
// Weights of recurrent layers: PyTorch's weight_ih, weight_hh, bias_ih and bias_hh (gates in the
// order i, f, g, o of torch.nn.LSTM and r, z, n of torch.nn.GRU) as ONNX's W, R and B (i, o, f, c
// and z, r, h; operator reference of LSTM and GRU).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "lib/ir/model.hpp"

namespace pare::formats {

struct RecurrentMatch {
  std::vector<std::pair<std::string, ir::Tensor>> parameters;  // of the graph
  std::vector<const ir::ParameterTable::Entry*> used;          // of the file
};

// For the LSTM and GRU nodes of one direction whose W and R are among `wanted`: the weights among
// `left`, taken in order. A node that nothing fits is left out.
std::vector<RecurrentMatch> match_recurrent_weights(
    const ir::Model& model, const std::vector<std::string>& wanted,
    const std::vector<const ir::ParameterTable::Entry*>& left);

// `rows` of gates in PyTorch's order as ONNX orders them; dims [gates * hidden, ...] row-major.
std::vector<float> gates_for_onnx(const std::vector<float>& rows, bool lstm);

}  // namespace pare::formats
