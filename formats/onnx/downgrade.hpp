// SPDX-License-Identifier: Apache-2.0
// Nodes of operator set 21 in the form that an older one has: the way back of upgrade.hpp.
#pragma once

#include "formats/onnx/export_graph.hpp"

namespace pare::formats {

// Emits `node`, or what stands for it. Throws Error(node.name, ...) when the operator set has
// nothing equivalent.
void emit_for_opset(OutNode node, GraphExport& graph);

}  // namespace pare::formats
