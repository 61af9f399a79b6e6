// SPDX-License-Identifier: Apache-2.0
// Codes whose rounding errors cancel within each group.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "quantize/weight_codes.hpp"

namespace pare::quantize {

// Codes as encode() gives them, of which a few are moved to their second-nearest value so that the
// rounding errors of each group add up to at most half a scale: inputs after Relu have a mean, over
// which errors of one sign add up (the idea of SQuant, Guo et al., ICLR 2022, for one group). Those
// nearest to a tie move first, of equals the first, so a value is off by less than one scale. Zeros
// and clipped values stay. groups.size() groups of `size` values each, one after the other; 4 bits
// only (u8 codes do not fit the signed type's arithmetic).
void encode_balanced(std::span<const float> values, size_t size,
                     std::span<const GroupParameters> groups, const CodeRange& range,
                     std::span<int8_t> codes);

}  // namespace pare::quantize
