// SPDX-License-Identifier: Apache-2.0
// ONNX files (README.md names the specification): a float or quantized model becomes a Model whose
// nodes follow operator set 21, whatever the file was written with.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "formats/formats.hpp"

namespace pare::formats {

// Whether the first bytes may be an ONNX ModelProto's: its IR version, then one of its own fields.
bool is_onnx(std::span<const std::byte> head);

// Tensors of external files stay mapped; others are views of the parsed message. The result has not
// been verified yet. Throws Error(path, ...): missing, damaged, an operator, an operator set or an
// element type that is not supported, external data outside the model's folder.
ir::Model read_onnx(const std::string& path, const ReadOptions& options);

}  // namespace pare::formats
