// SPDX-License-Identifier: Apache-2.0
// Which of ONNX's backend tests pare claims to pass, decided from the model alone.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace pare::tests {

struct Case {
  std::vector<std::string> inputs;  // of the graph, initializers left out: the order of input_N.pb
  std::set<std::string> bound;      // inputs that some node needs as constants, or an If
  std::string refusal;              // why the case is not claimed; "" when it is
};

// Element types (TensorProto.DataType) of the tensors in the test's data sets; -1 for a file that
// is no tensor (sequences, optionals).
std::set<int> data_types(const std::filesystem::path& folder);
Case examine(const std::string& name, const std::string& model_bytes,
             const std::set<int>& data_types);
}  // namespace pare::tests
