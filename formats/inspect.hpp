// SPDX-License-Identifier: Apache-2.0
// What `pare inspect` shows: a model's header, history and tensors, as JSON and as text made from
// that JSON, so that the two cannot disagree.
#pragma once

#include <string>

#include "lib/core/json.hpp"
#include "lib/ir/model.hpp"

namespace pare::formats {

// {"schema_version": 1, "path", "format", "format_version" (.pare only), "file_bytes", "task",
//  "labels", "preprocessing" (null when the model states none), "source", "parameters",
//  "macs" (of one item; null without a graph), "tensor_bytes", "bits_per_weight", "sparsity",
//  "graphs": [{"name", "inputs", "outputs", "nodes"}], "assets": {name: bytes},
//  "history": [{"step" (pipeline text), "pass", "options", "seed", "tool_version", "inputs"}],
//  "tensors": [{"name", "dims", "dtype", "scheme", "sparsity", "bytes", "bits_per_weight"}]}
// Sparsity is the fraction of elements whose value is exactly 0, stored or not. Every tensor is
// read once, so damage is found here: throws Error(path) as the reader of the file does.
Json inspect(const ir::Model& model, const std::string& path);

// Fixed-width text of what inspect() returned; ends with a newline. `graph` is ir::dump()'s listing
// to append, or empty.
std::string inspection_text(const Json& inspection, const std::string& graph = {});

// One short word for how a tensor is stored: "f32", "i8 per-channel", "u4 group 64 asymmetric",
// "i8 per-channel bitmask", "f32 2:4".
std::string storage_name(const ir::Tensor& tensor);

}  // namespace pare::formats
