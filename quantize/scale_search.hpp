// SPDX-License-Identifier: Apache-2.0
// Scales of least squared error for groups of weights: every range of a grid, from the full one
// down to half of it, is tried on every group, and the scale then fitted to the codes of the best.
// The result is that of a plain loop over candidates and values, bit for bit, on every machine:
// errors are summed in eight lanes, value i in lane i % 8, and the lanes in order.
#pragma once

#include <cstddef>
#include <span>

#include "quantize/weight_codes.hpp"

namespace pare::quantize {

// Ranges tried, in units of the full one: 1 - kShrinkDepth * i / kShrinkSteps.
inline constexpr size_t kShrinkSteps = 24;
inline constexpr float kShrinkDepth = 0.5F;

// Of out.size() groups of `size` finite values each, one after the other: the candidate of least
// squared error, the widest of equals, with its scale fitted by least squares to the codes where
// that is better still.
void least_squares(std::span<const float> values, size_t size, const CodeRange& range,
                   std::span<GroupParameters> out);
GroupParameters least_squares(std::span<const float> values, const CodeRange& range);

// Whether the extent alone makes certain that least_squares() gives a scale in [2^-14, 65504], the
// normal numbers of f16.
bool scale_surely_fits_f16(const Extent& extent, const CodeRange& range);

}  // namespace pare::quantize
