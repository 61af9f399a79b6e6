// SPDX-License-Identifier: Apache-2.0
// The search and the balance against plain loops that state what they compute: the same bits for
// groups of any size, whichever way they are vectorised and whatever they leave out.
#include "quantize/scale_search.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include "lib/core/rng.hpp"
#include "quantize/balance.hpp"

namespace pare::quantize {
namespace {

constexpr size_t kLanes = 8;
constexpr float kSmallest = std::numeric_limits<float>::min();

float total(const std::array<float, kLanes>& lanes) {
  float sum = lanes[0];
  for (size_t lane = 1; lane < kLanes; ++lane) sum += lanes[lane];
  return sum;
}

float steps_of(float value, float inverse, float zero, const CodeRange& range) {
  const float x = value * inverse + zero;
  return std::nearbyint(
             std::clamp(x, static_cast<float>(range.low), static_cast<float>(range.high))) -
         zero;
}

float error_of(std::span<const float> values, float scale, float zero, const CodeRange& range) {
  std::array<float, kLanes> lanes{};
  for (size_t i = 0; i < values.size(); ++i) {
    const float off = values[i] - scale * steps_of(values[i], 1.0F / scale, zero, range);
    lanes[i % kLanes] += off * off;
  }
  return total(lanes);
}

GroupParameters plain_search(std::span<const float> values, const CodeRange& range) {
  const Extent extent = extent_of(values);
  GroupParameters best;
  float least = std::numeric_limits<float>::infinity();
  for (size_t i = 0; i < kShrinkSteps; ++i) {
    const float shrink = 1.0F - kShrinkDepth * static_cast<float>(i) / kShrinkSteps;
    GroupParameters tried =
        covering({.low = extent.low * shrink, .high = extent.high * shrink, .finite = true}, range);
    if (range.symmetric) {
      const float scale =
          std::max(-extent.low, extent.high) * shrink / static_cast<float>(range.high);
      tried.scale = scale >= kSmallest ? scale : 1.0F;
    }
    const float error = error_of(values, tried.scale, static_cast<float>(tried.zero_point), range);
    if (i > 0 && !(error < least)) continue;
    best = tried;
    least = error;
  }
  std::array<float, kLanes> products{}, squares{};
  const auto zero = static_cast<float>(best.zero_point);
  for (size_t i = 0; i < values.size(); ++i) {
    const float q = steps_of(values[i], 1.0F / best.scale, zero, range);
    products[i % kLanes] += values[i] * q;
    squares[i % kLanes] += q * q;
  }
  if (!(total(squares) > 0)) return best;
  const float fitted = total(products) / total(squares);
  if (fitted >= kSmallest && error_of(values, fitted, zero, range) < least) best.scale = fitted;
  return best;
}

std::vector<int8_t> plain_balance(std::span<const float> values, const GroupParameters& group,
                                  const CodeRange& range) {
  std::vector<int8_t> codes(values.size());
  encode(values, group, range, codes);
  std::vector<float> rests(values.size());
  float sum = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const float rest =
        values[i] * (1.0F / group.scale) + static_cast<float>(group.zero_point - codes[i]);
    rests[i] = std::abs(rest) <= 0.5F ? rest : 0.0F;
    sum += rests[i];
  }
  const int direction = sum > 0 ? 1 : -1;
  for (auto moves = static_cast<int>(std::nearbyint(std::abs(sum))); moves > 0; --moves) {
    size_t first = values.size();
    for (size_t i = 0; i < values.size(); ++i) {
      const float wish = rests[i] * static_cast<float>(direction);
      const int moved = codes[i] + direction;
      if (!(wish > 0) || moved < range.low || moved > range.high) continue;
      if (first == values.size() || wish > rests[first] * static_cast<float>(direction)) first = i;
    }
    if (first == values.size()) break;
    codes[first] = static_cast<int8_t>(codes[first] + direction);
    rests[first] = 0;
  }
  return codes;
}

// Values of kinds that take different ways through the search.
std::vector<float> values_of(int kind, Rng& rng, size_t n) {
  std::vector<float> out(n);
  for (float& v : out) {
    v = rng.uniform(-1.0F, 1.0F) + rng.uniform(-1.0F, 1.0F);
    const bool now_and_then = rng.uniform(0.0F, 1.0F) < 0.06F;
    if (kind == 1 && now_and_then) v *= 9.0F;              // outliers, which are cut off
    if (kind == 2) v = now_and_then ? v : 0.0F;            // mostly zeros
    if (kind == 3) v *= 3e-38F;                            // scales below the normal numbers
    if (kind == 4) v = v > 0 ? 3.4e38F : v * 1.7e38F;      // squares overflow
    if (kind == 5) v = std::nearbyint(v * 4.0F) * 0.125F;  // equals, and ties
    if (kind == 6) v = std::abs(v) + 0.5F;                 // one sign
    if (kind == 7) v = rng.uniform(-0.5F, 0.5F);           // with -1: the smallest ranges win
  }
  for (size_t i = 3; kind == 7 && i < n; i += 300) out[i] = -1.0F;
  return out;
}
constexpr int kKinds = 8;

}  // namespace

TEST_CASE("the search gives the bits of a plain loop over candidates and values") {
  Rng rng(11);
  int small_ranges = 0;
  for (const size_t n : {1U, 5U, 8U, 9U, 31U, 32U, 33U, 64U, 300U}) {
    for (const int way : {0, 1, 2, 3}) {
      const int bits = way < 2 ? 4 : 8;
      const CodeRange range = code_range(bits, way % 2 == 0);
      for (int kind = 0; kind < kKinds; ++kind) {
        constexpr size_t kGroups = 19;
        const auto values = values_of(kind, rng, kGroups * n);
        std::vector<GroupParameters> found(kGroups);
        least_squares(values, n, range, found);
        for (size_t g = 0; g < kGroups; ++g) {
          INFO("n " << n << " way " << way << " kind " << kind);
          const auto expected = plain_search(std::span(values).subspan(g * n, n), range);
          CHECK(std::bit_cast<uint32_t>(found[g].scale) == std::bit_cast<uint32_t>(expected.scale));
          CHECK(found[g].zero_point == expected.zero_point);
          small_ranges += kind == 7 && bits == 4 && found[g].scale < 0.64F / 7 ? 1 : 0;
        }
      }
    }
  }
  CHECK(small_ranges > 0);
}

TEST_CASE("balancing moves the codes that a plain loop moves") {
  Rng rng(12);
  for (const size_t n : {1U, 7U, 20U, 32U, 33U, 300U}) {
    for (const bool symmetric : {true, false}) {
      const CodeRange range = code_range(4, symmetric);
      for (int kind = 0; kind < kKinds; ++kind) {
        constexpr size_t kGroups = 19;
        const auto values = values_of(kind, rng, kGroups * n);
        std::vector<GroupParameters> groups(kGroups);
        least_squares(values, n, range, groups);
        std::vector<int8_t> codes(values.size());
        encode_balanced(values, n, groups, range, codes);
        for (size_t g = 0; g < kGroups; ++g) {
          INFO("n " << n << " symmetric " << symmetric << " kind " << kind);
          const auto expected =
              plain_balance(std::span(values).subspan(g * n, n), groups[g], range);
          CHECK(std::equal(expected.begin(), expected.end(), codes.data() + g * n));
        }
      }
    }
  }
}

}  // namespace pare::quantize
