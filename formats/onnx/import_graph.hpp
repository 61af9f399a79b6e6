// SPDX-License-Identifier: Apache-2.0
// GraphProto to ir::Graph: names become values, every node is brought to operator set 21 and its
// shapes are inferred at once. If with a constant condition is replaced by its branch.
#pragma once

#include "formats/formats.hpp"
#include "formats/onnx/external_data.hpp"
#include "formats/onnx/graph_editor.hpp"

namespace pare::onnx {
class GraphProto;
}

namespace pare::formats {

struct ImportOptions {
  int opset = 0;
  const ReadOptions& read;
  ExternalData& external;
};

// Adds the graph, called "main", and its parameters to `model`. Tensors are moved out of `proto`.
// Throws Error(node or value, ...).
void import_graph(onnx::GraphProto& proto, const ImportOptions& options, ir::Model& model);

}  // namespace pare::formats
