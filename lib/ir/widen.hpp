// SPDX-License-Identifier: Apache-2.0
// Stored elements of a plain tensor to wider ones, a range at a time. Integers become f32 by
// rounding to nearest; i32 and i64 are for integer types that fit.
#pragma once

#include <cstdint>
#include <span>

#include "lib/ir/dtype.hpp"

namespace pare::ir {

// Elements [first, first + out.size()) of `bytes`, which need no alignment.
void widen(DType dtype, std::span<const std::byte> bytes, int64_t first, std::span<float> out);
void widen(DType dtype, std::span<const std::byte> bytes, int64_t first, std::span<int32_t> out);
void widen(DType dtype, std::span<const std::byte> bytes, int64_t first, std::span<int64_t> out);

}  // namespace pare::ir
