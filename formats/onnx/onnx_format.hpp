// SPDX-License-Identifier: Apache-2.0
// ONNX files (README.md names the specification): a float or quantized model becomes a Model whose
// nodes follow operator set 21, whatever the file was written with.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "formats/formats.hpp"

namespace pare::formats {

// Whether the first bytes may be an ONNX ModelProto's: its IR version, then one of its own fields.
bool is_onnx(std::span<const std::byte> head);

// Tensors of external files stay mapped; others are views of the parsed message. The result has not
// been verified yet. Throws Error(path, ...): missing, damaged, an operator, an operator set or an
// element type that is not supported, external data outside the model's folder.
ir::Model read_onnx(const std::string& path, const ReadOptions& options);

// Names of the files that hold tensors of it, as it states them: relative to its folder, in no
// order, perhaps several times. Throws Error(path, ...) when it is missing or damaged.
std::vector<std::string> onnx_external_files(const std::string& path);

// A message may have 2 GB; graph, metadata and what becomes f32 need some of it.
inline constexpr int64_t kMostInside = int64_t{1} << 30;

// Atomic and deterministic, at options.opset. Weights of more than `most_inside` bytes go to
// PATH.HASH.data, which appears before PATH does; data files of what PATH held before are removed.
// Throws Error(path or node, ...): no graph, an operator that the operator set lacks; UsageError on
// another operator set than 13, 17 or 21.
void write_onnx(const ir::Model& model, const std::string& path, const WriteOptions& options,
                int64_t most_inside = kMostInside);
// What the file will not hold: sparse storage, codes that the operator set has no type for, ...
std::vector<std::string> onnx_losses(const ir::Model& model, const WriteOptions& options);

}  // namespace pare::formats
