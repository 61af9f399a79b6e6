// SPDX-License-Identifier: Apache-2.0
// TensorProto to ir::Tensor, in every encoding of the specification: raw_data (little-endian, 4-bit
// elements packed two a byte, first in the low nibble), typed fields, external files.
#pragma once

#include <string>

#include "formats/onnx/external_data.hpp"
#include "lib/ir/tensor.hpp"

namespace pare::formats {

// Takes the bytes out of `proto`. Throws Error(tensor name, ...): no known element type, data that
// does not fill dims. What the IR's types cannot hold is refused (a u64 above 2^63) or, for 64-bit
// floats, rounded.
ir::Tensor decode_tensor(onnx::TensorProto& proto, ExternalData& external);

}  // namespace pare::formats
