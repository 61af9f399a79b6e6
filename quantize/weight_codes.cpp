// SPDX-License-Identifier: Apache-2.0
#include "quantize/weight_codes.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "lib/core/cpu_clones.hpp"

namespace pare::quantize {

namespace {

// Adding and taking away 1.5 * 2^23 rounds to nearest even for |x| < 2^22, with plain SSE2
// additions.
constexpr float kRound = 12582912.0F;

float rounded(float x) { return (x + kRound) - kRound; }

// Divides first and clamps after, so that a value far outside a shrunk range cannot reach the
// rounding trick's limit.
float code_of(float value, float scale, float zero, float low, float high) {
  const float x = value / scale + zero;
  return rounded(std::min(std::max(x, low), high));
}

int32_t ordered(int32_t bits) { return bits ^ (bits >> 31 & 0x7FFFFFFF); }

Extent extent_from(int32_t low, int32_t high) {
  constexpr int32_t kInfinity = 0x7F800000;
  return {.low = std::bit_cast<float>(ordered(low)),
          .high = std::bit_cast<float>(ordered(high)),
          .finite = high < kInfinity && low > ~kInfinity};
}

GroupParameters from_range(float low, float high, const CodeRange& range) {
  const auto levels = static_cast<float>(range.high - range.low);
  GroupParameters group;
  if (range.symmetric) {
    const float steps = static_cast<float>(range.high);
    group.scale = std::max(-low, high) / steps;
  } else {
    group.scale = high / levels - low / levels;  // high - low may overflow
  }
  // Below the normal range a division by the scale would overflow; such weights are as good as
  // zero.
  if (!(group.scale >= std::numeric_limits<float>::min()))
    return {1.0F, range.symmetric ? 0 : range.low};
  if (!range.symmetric) {
    const float zero = static_cast<float>(range.low) - low / group.scale;
    group.zero_point = static_cast<int32_t>(
        std::clamp(rounded(zero), static_cast<float>(range.low), static_cast<float>(range.high)));
  }
  return group;
}

}  // namespace

CodeRange code_range(int bits, bool symmetric) {
  const int32_t half = 1 << (bits - 1);
  if (!symmetric) return {0, 2 * half - 1, false};
  // -128 stays unused at 8 bits so that |code| <= 127 holds for integer kernels.
  return {bits == 8 ? 1 - half : -half, half - 1, true};
}

// Compares bit patterns as integers that order like the floats (negative ones with their other bits
// flipped): integer minima and maxima vectorise without relaxed floating-point rules, and NaN ends
// up beyond infinity.
PARE_CPU_CLONES
Extent extent_of(std::span<const float> values) {
  int32_t low = 0, high = 0;
  for (const float value : values) {
    const int32_t key = ordered(std::bit_cast<int32_t>(value));
    low = std::min(low, key);
    high = std::max(high, key);
  }
  return extent_from(low, high);
}

PARE_CPU_CLONES
void extents_of(std::span<const float> values, size_t group, std::span<Extent> out) {
  for (size_t g = 0; g < out.size(); ++g) {
    const float* const from = values.data() + g * group;
    int32_t low = 0, high = 0;
    for (size_t i = 0; i < group; ++i) {
      const int32_t key = ordered(std::bit_cast<int32_t>(from[i]));
      low = std::min(low, key);
      high = std::max(high, key);
    }
    out[g] = extent_from(low, high);
  }
}

Extent joined(const Extent& a, const Extent& b) {
  return {.low = std::min(a.low, b.low),
          .high = std::max(a.high, b.high),
          .finite = a.finite && b.finite};
}

namespace {

PARE_CPU_CLONES
void extend_columns(std::span<const float> row, int32_t* low, int32_t* high) {
  for (size_t i = 0; i < row.size(); ++i) {
    const int32_t key = ordered(std::bit_cast<int32_t>(row[i]));
    low[i] = std::min(low[i], key);
    high[i] = std::max(high[i], key);
  }
}

}  // namespace

void ColumnExtents::add(std::span<const float> row) {
  extend_columns(row, low_.data(), high_.data());
}

void ColumnExtents::join(const ColumnExtents& other) {
  for (size_t i = 0; i < low_.size(); ++i) {
    low_[i] = std::min(low_[i], other.low_[i]);
    high_[i] = std::max(high_[i], other.high_[i]);
  }
}

Extent ColumnExtents::at(size_t column) const { return extent_from(low_[column], high_[column]); }

GroupParameters covering(const Extent& extent, const CodeRange& range) {
  return from_range(extent.low, extent.high, range);
}

PARE_CPU_CLONES
void encode(std::span<const float> values, size_t size, std::span<const GroupParameters> groups,
            const CodeRange& range, std::span<int8_t> codes) {
  const auto low = static_cast<float>(range.low), high = static_cast<float>(range.high);
  const float* from = values.data();
  int8_t* to = codes.data();
  for (const GroupParameters& group : groups) {
    const auto zero = static_cast<float>(group.zero_point);
    const float scale = group.scale;
    for (size_t i = 0; i < size; ++i) {
      to[i] = static_cast<int8_t>(static_cast<int32_t>(code_of(from[i], scale, zero, low, high)));
    }
    from += size;
    to += size;
  }
}

PARE_CPU_CLONES
void encode(std::span<const float> values, std::span<const float> scales,
            std::span<const int32_t> zero_points, const CodeRange& range, std::span<int8_t> codes) {
  const auto low = static_cast<float>(range.low), high = static_cast<float>(range.high);
  const size_t n = values.size();
  for (size_t i = 0; i < n; ++i) {
    const auto zero = static_cast<float>(zero_points[i]);
    codes[i] =
        static_cast<int8_t>(static_cast<int32_t>(code_of(values[i], scales[i], zero, low, high)));
  }
}

}  // namespace pare::quantize
