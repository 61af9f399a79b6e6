// SPDX-License-Identifier: Apache-2.0
// Hugging Face safetensors: named tensors behind a JSON header (README.md says which version), one
// file or several with an index. Weights alone: a Model without a graph. Quantized weights are
// stored in the naming of compressed-tensors.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "formats/formats.hpp"

namespace pare::formats {

// Whether the first bytes of a file may be a safetensors header, or the index of a sharded model.
bool is_safetensors(std::span<const std::byte> head);

// Tensors view the mapped file. Throws Error(path): damaged in any way the format's validation
// knows, an element type that no model stores, a shard that is missing or lacks a tensor.
ir::Model read_safetensors(const std::string& path, const ReadOptions& options);

// The files that an index names, beside it; none for a file that is no index. Throws Error(path).
std::vector<std::string> safetensors_shards(const std::string& path);

// One file, atomic and deterministic; what the model says of itself goes into __metadata__. Beside
// a file called model.safetensors, a config.json with the quantization_config is written when a
// weight is quantized and there is none.
void write_safetensors(const ir::Model& model, const std::string& path,
                       const WriteOptions& options);
std::vector<std::string> safetensors_losses(const ir::Model& model, const WriteOptions& options);

}  // namespace pare::formats
