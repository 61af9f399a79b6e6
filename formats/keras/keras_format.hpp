// SPDX-License-Identifier: Apache-2.0
// Keras HDF5 files (`.h5`, Keras 2.1 to 2.15): whole models and weights alone. See README.md for
// what is understood and how it becomes a graph.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "lib/ir/model.hpp"

namespace pare::formats {

// Whether the first bytes of a file may be a Keras file's: HDF5's signature, and not .pare's
// attribute behind it.
bool is_keras(std::span<const std::byte> head);

// A whole model gets the graph "main" in NCHW with ONNX operators; weights alone become a Model
// without a graph, parameters named "layer/kernel" and laid out as Keras has them. Throws
// Error(path, ...): missing, damaged, another kind of HDF5 file, or "layer NAME (CLASS): ..." for
// what is not understood.
ir::Model read_keras(const std::string& path);

}  // namespace pare::formats
