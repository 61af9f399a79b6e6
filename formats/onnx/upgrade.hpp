// SPDX-License-Identifier: Apache-2.0
// Operators as older operator sets had them, turned into what operator set 21 has: attributes that
// became inputs, defaults that changed, operators that were renamed.
#pragma once

#include "formats/onnx/graph_editor.hpp"

namespace pare::formats {

inline constexpr int kOldestOpset = 6;
inline constexpr int kNewestOpset = 28;

// The operator that stands for `op` in operator set 21 as the IR has it: mostly itself.
std::string_view lowered(std::string_view op);

// `node` has its inputs and attributes as the file states them; what has to come before it is
// added. `outputs` is the number of outputs that are used. Throws Error(node.name, ...) on a form
// that has no equivalent.
void upgrade(ir::Node& node, size_t outputs, int opset, GraphEditor& graph);

}  // namespace pare::formats
