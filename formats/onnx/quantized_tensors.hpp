// SPDX-License-Identifier: Apache-2.0
// DequantizeLinear of constants as quantized tensors of the IR.
#pragma once

#include <optional>
#include <string>

#include "lib/ir/tensor.hpp"

namespace pare::formats {

// Codes, scale and, where given, zero point as DequantizeLinear has them (opset 21): one scale, one
// along `axis`, or blocks of `block` along it. u8 codes around 128 become i8 codes around 0. What
// the IR's schemes cannot say (blocks along another axis than the last of two dimensions, i16) is
// decoded to f32. Throws Error(subject, ...) when the parts do not fit.
ir::Tensor dequantized(const ir::Tensor& codes, const ir::Tensor& scale,
                       const ir::Tensor* zero_point, int64_t axis, int64_t block,
                       const std::string& subject);
// QuantizeLinear of a constant: one scale or one along `axis`.
ir::Tensor quantized_codes(const ir::Tensor& values, const ir::Tensor& scale,
                           const ir::Tensor* zero_point, int64_t axis, const std::string& subject);

}  // namespace pare::formats
