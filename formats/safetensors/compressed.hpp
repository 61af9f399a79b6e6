// SPDX-License-Identifier: Apache-2.0
// Quantized weights in the naming of compressed-tensors 0.9 ("int-quantized" and "pack-quantized"):
//   NAME             i8 codes, or
//   NAME_packed      i32 [rows, ceil(columns * bits / 32)], codes + 2^(bits-1) from the low bits
//   NAME_shape       i64, the weight's dims (packed only)
//   NAME_scale       [1] for the whole tensor; one axis of the weight's dims with the others 1; or
//                    [rows, groups]
//   NAME_zero_point  like NAME_scale, i8; of packed weights packed along the first dimension. In
//                    the same signed range as the codes, absent when symmetric
// A weight is seen as [dims[0], rest]. NAME ends in ".weight" for most.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lib/core/json.hpp"
#include "lib/ir/model.hpp"

namespace pare::formats::safetensors {

using NamedTensor = std::pair<std::string, ir::Tensor>;

// Whether the naming can hold this quantized tensor: 4 or 8 bits, one level of scales, no codebook.
bool can_compress(const ir::Tensor& tensor);
std::vector<NamedTensor> compress(const std::string& name, const ir::Tensor& tensor);
// What the weights of a model are quantized as, {"quant_method": "compressed-tensors", ...}; null
// when none is.
Json quantization_config(const ir::Model& model);

// Plain tensors as they were read, with those that belong together made one quantized tensor.
// `config`: a quantization_config or null. Throws Error(path) when parts do not fit together.
ir::ParameterTable decompress(const std::vector<NamedTensor>& tensors, const Json& config,
                              const std::string& path);

}  // namespace pare::formats::safetensors
