// SPDX-License-Identifier: Apache-2.0
// Round to nearest of many short groups at once, the arithmetic of weight_codes.hpp bit for bit:
// a group of 32 values is too short for loops of its own, so extents are found by halving all
// groups side by side, scales come a vector of groups at a time, and codes in loops of known
// length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "quantize/weight_codes.hpp"

namespace pare::quantize {

// The parameters of neighbouring groups. zero_points is empty when all are 0.
struct GroupSpans {
  std::span<float> scales;
  std::span<int32_t> zero_points;
};

// covering() of scales.size() groups of `size` values each, one after the other; with zero points
// unless `range` is symmetric. False when a value is NaN or infinite: `out` is then undefined.
bool cover_groups(std::span<const float> values, size_t size, const CodeRange& range,
                  const GroupSpans& out);

// The same for values stored as f16, which are not widened for it; symmetric ranges and sizes from
// 1 to kLongestHalfGroup only.
inline constexpr size_t kLongestHalfGroup = 1024;
bool cover_half_groups(std::span<const std::byte> values, size_t size, const CodeRange& range,
                       std::span<float> scales);

// What many scales are like, without keeping them.
struct ScaleRange {
  float smallest = std::numeric_limits<float>::infinity();
  float largest = 0;
  bool finite = true;  // all values; the others say nothing when they are not
};
ScaleRange joined(const ScaleRange& a, const ScaleRange& b);
ScaleRange range_of(std::span<const float> scales);

// encode() with those parameters; zero_points is empty when all are 0.
void encode_groups(std::span<const float> values, size_t size, std::span<const float> scales,
                   std::span<const int32_t> zero_points, const CodeRange& range,
                   std::span<int8_t> codes);

// 4-bit codes, one a byte, two a byte: the first low. codes.size() == 2 * out.size().
void pack_pairs(std::span<const int8_t> codes, std::span<std::byte> out);

}  // namespace pare::quantize
