// SPDX-License-Identifier: Apache-2.0
// Many f32 values to f16 and back at once: the bits of f32_to_f16(), in loops that vectorise.
#pragma once

#include <cstdint>
#include <span>

namespace pare::ir {

// out.size() == values.size()
void narrow_f16(std::span<const float> values, std::span<uint16_t> out);
// Every value becomes the f16 nearest to it.
void round_to_f16(std::span<float> values);

}  // namespace pare::ir
