// SPDX-License-Identifier: Apache-2.0
#include "quantize/weight_codes.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

namespace pare::quantize {

namespace {

// Adding and taking away 1.5 * 2^23 rounds to nearest even for |x| < 2^22, with plain SSE2
// additions.
constexpr float kRound = 12582912.0F;
// Ranges tried by the search, in units of the full range.
constexpr float kSmallestShrink = 0.50F;
constexpr int kShrinkSteps = 24;

float rounded(float x) { return (x + kRound) - kRound; }

// Divides first and clamps after, so that a value far outside a shrunk range cannot reach the
// rounding trick's limit.
float code_of(float value, float scale, float zero, float low, float high) {
  const float x = value / scale + zero;
  return rounded(std::min(std::max(x, low), high));
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

struct Fit {
  float error = 0;  // squared
  float scale = 0;  // least-squares scale for these codes, 0 when there is none
};

// Sums in eight lanes that are added in a fixed order: vectorisable, and the same on every machine.
Fit fit(std::span<const float> values, const GroupParameters& group, const CodeRange& range) {
  constexpr size_t kLanes = 8;
  const auto low = static_cast<float>(range.low), high = static_cast<float>(range.high);
  const auto zero = static_cast<float>(group.zero_point);
  const float scale = group.scale, inverse = 1.0F / scale;
  float error[kLanes] = {}, product[kLanes] = {}, square[kLanes] = {};
  const auto add = [&](float value, size_t lane) {
    const float q = rounded(std::min(std::max(value * inverse + zero, low), high)) - zero;
    const float off = value - scale * q;
    error[lane] += off * off;
    product[lane] += value * q;
    square[lane] += q * q;
  };
  const size_t whole = values.size() / kLanes * kLanes;
  for (size_t i = 0; i < whole; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) add(values[i + lane], lane);
  }
  for (size_t i = whole; i < values.size(); ++i) add(values[i], i - whole);
  for (size_t lane = 1; lane < kLanes; ++lane) {
    error[0] += error[lane], product[0] += product[lane], square[0] += square[lane];
  }
  return {error[0], square[0] > 0 ? product[0] / square[0] : 0.0F};
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
Extent extent_of(std::span<const float> values) {
  const auto ordered = [](int32_t bits) { return bits ^ (bits >> 31 & 0x7FFFFFFF); };
  constexpr int32_t kInfinity = 0x7F800000;
  int32_t low = 0, high = 0;
  for (const float value : values) {
    const int32_t key = ordered(std::bit_cast<int32_t>(value));
    low = std::min(low, key);
    high = std::max(high, key);
  }
  return {.low = std::bit_cast<float>(ordered(low)),
          .high = std::bit_cast<float>(ordered(high)),
          .finite = high < kInfinity && low > ~kInfinity};
}

GroupParameters covering(const Extent& extent, const CodeRange& range) {
  return from_range(extent.low, extent.high, range);
}

GroupParameters least_squares(std::span<const float> values, const CodeRange& range) {
  const Extent extent = extent_of(values);
  GroupParameters best = covering(extent, range);
  Fit best_fit = fit(values, best, range);
  for (int step = 1; step < kShrinkSteps; ++step) {
    const float shrink = 1.0F - (1.0F - kSmallestShrink) * static_cast<float>(step) / kShrinkSteps;
    const GroupParameters group = from_range(extent.low * shrink, extent.high * shrink, range);
    const Fit now = fit(values, group, range);
    if (now.error < best_fit.error) best = group, best_fit = now;
  }
  if (best_fit.scale >= std::numeric_limits<float>::min()) {
    const GroupParameters refitted{best_fit.scale, best.zero_point};
    if (fit(values, refitted, range).error < best_fit.error) best = refitted;
  }
  return best;
}

void encode(std::span<const float> values, const GroupParameters& group, const CodeRange& range,
            std::span<int8_t> codes) {
  const auto low = static_cast<float>(range.low), high = static_cast<float>(range.high);
  const auto zero = static_cast<float>(group.zero_point);
  const float scale = group.scale;
  const size_t n = values.size();
  for (size_t i = 0; i < n; ++i) {
    codes[i] =
        static_cast<int8_t>(static_cast<int32_t>(code_of(values[i], scale, zero, low, high)));
  }
}

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

void balance(std::span<const float> values, const GroupParameters& group, const CodeRange& range,
             std::span<int8_t> codes) {
  struct Candidate {
    float rest;
    size_t index;
  };
  const float inverse = 1.0F / group.scale;
  std::vector<Candidate> candidates(values.size());
  float sum = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    // What is left of the value after its code, in scales; a clipped value has nowhere to go.
    const float rest = values[i] * inverse + static_cast<float>(group.zero_point - codes[i]);
    candidates[i] = {std::abs(rest) <= 0.5F ? rest : 0.0F, i};
    sum += candidates[i].rest;
  }
  const int direction = sum > 0 ? 1 : -1;
  std::erase_if(candidates, [&](const Candidate& c) {
    const int moved = codes[c.index] + direction;
    return c.rest * static_cast<float>(direction) <= 0 || moved < range.low || moved > range.high;
  });
  const auto moves = std::min(candidates.size(), static_cast<size_t>(rounded(std::abs(sum))));
  const auto end = candidates.begin() + static_cast<std::ptrdiff_t>(moves);
  std::partial_sort(
      candidates.begin(), end, candidates.end(), [](const Candidate& a, const Candidate& b) {
        return std::abs(a.rest) != std::abs(b.rest) ? std::abs(a.rest) > std::abs(b.rest)
                                                    : a.index < b.index;
      });
  for (auto c = candidates.begin(); c != end; ++c) {
    codes[c->index] = static_cast<int8_t>(codes[c->index] + direction);
  }
}

}  // namespace pare::quantize
