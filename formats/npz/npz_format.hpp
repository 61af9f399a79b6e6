// SPDX-License-Identifier: Apache-2.0
// Named arrays in NumPy's .npz: weights without a graph. Quantized weights are stored as codes and
// scales under the names of compressed-tensors (formats/safetensors/compressed.hpp); what the model
// says of itself is the text "__pare__".
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "formats/formats.hpp"

namespace pare::formats {

// Whether the first bytes of a file may be a zip archive whose first member is an array.
bool is_npz(std::span<const std::byte> head);

// Throws Error(path): a damaged archive or array, an element type that no model stores.
ir::Model read_npz(const std::string& path, const ReadOptions& options);
void write_npz(const ir::Model& model, const std::string& path, const WriteOptions& options);
std::vector<std::string> npz_losses(const ir::Model& model, const WriteOptions& options);

}  // namespace pare::formats
