// SPDX-License-Identifier: Apache-2.0
#include "quantize/weight_codes.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include "lib/core/rng.hpp"
#include "quantize/balance.hpp"
#include "quantize/scale_search.hpp"

namespace pare::quantize {
namespace {

std::vector<float> values_of(uint64_t seed, size_t n, float low, float high) {
  Rng rng(seed);
  std::vector<float> out(n);
  for (float& v : out) v = rng.uniform(low, high);
  return out;
}

// Codes as numbers: u8 codes are kept in the same byte.
double real(int8_t code, const GroupParameters& group, const CodeRange& range) {
  const int number = range.symmetric ? code : static_cast<uint8_t>(code);
  return static_cast<double>(group.scale) * (number - group.zero_point);
}

double naive_error(const std::vector<float>& values, const GroupParameters& group,
                   const CodeRange& range) {
  std::vector<int8_t> codes(values.size());
  encode(values, group, range, codes);
  double error = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double off = values[i] - real(codes[i], group, range);
    error += off * off;
  }
  return error;
}

TEST_CASE("a covering group is off by at most half a scale") {
  for (const int bits : {4, 8}) {
    for (const bool symmetric : {true, false}) {
      const CodeRange range = code_range(bits, symmetric);
      for (const size_t n : {1U, 7U, 8U, 9U, 32U, 1000U}) {
        for (const auto& [low, high] :
             {std::pair{-1.0F, 1.0F}, {0.0F, 3.0F}, {-2.0F, 0.5F}, {5.0F, 6.0F}}) {
          const auto values = values_of(n + static_cast<uint64_t>(bits), n, low, high);
          const GroupParameters group = covering(extent_of(values), range);
          std::vector<int8_t> codes(n);
          encode(values, group, range, codes);
          for (size_t i = 0; i < n; ++i) {
            // Rounding of x / scale and of the scale itself: 2^-23 relative each, of at most 255
            // steps.
            CHECK(std::abs(values[i] - real(codes[i], group, range)) <=
                  group.scale * (0.5 + 255 * 0x1p-22));
          }
        }
      }
    }
  }
}

TEST_CASE("zero is exact, also with a zero point") {
  const CodeRange range = code_range(8, false);
  const std::vector<float> values = {-0.3F, 0.0F, 1.7F};
  const GroupParameters group = covering(extent_of(values), range);
  std::vector<int8_t> codes(3);
  encode(values, group, range, codes);
  CHECK(real(codes[1], group, range) == 0.0);
}

TEST_CASE("a group of zeros gets scale 1 and the code of zero") {
  const std::vector<float> values(5, 0.0F);
  for (const bool symmetric : {true, false}) {
    const CodeRange range = code_range(4, symmetric);
    for (const GroupParameters& group :
         {covering(extent_of(values), range), least_squares(values, range)}) {
      CHECK(group.scale == 1.0F);
      CHECK(naive_error(values, group, range) == 0.0);
    }
  }
}

TEST_CASE("a constant group is exact up to rounding") {
  for (const bool symmetric : {true, false}) {
    const CodeRange range = code_range(8, symmetric);
    for (const float constant : {0.37F, -12.0F, 1e-30F, 1e30F}) {
      const std::vector<float> values(9, constant);
      const GroupParameters group = covering(extent_of(values), range);
      std::vector<int8_t> codes(9);
      encode(values, group, range, codes);
      CHECK(real(codes[0], group, range) ==
            doctest::Approx(static_cast<double>(constant)).epsilon(1e-6));
    }
  }
}

TEST_CASE("subnormal weights do not divide by zero") {
  const std::vector<float> values = {1e-44F, -3e-45F};
  const GroupParameters group = covering(extent_of(values), code_range(8, true));
  CHECK(group.scale == 1.0F);
}

TEST_CASE("extents are the smallest and largest value with zero, and know NaN and infinity") {
  const std::vector<float> values = {3.0F, -0.0F, 7.5F, -2.25F, 1e-40F};
  CHECK(extent_of(values).low == -2.25F);
  CHECK(extent_of(values).high == 7.5F);
  CHECK(extent_of(values).finite);
  CHECK(extent_of(std::vector<float>{4.0F}).low == 0.0F);
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInf = std::numeric_limits<float>::infinity();
  for (const float bad : {kNan, -kNan, kInf, -kInf})
    CHECK(!extent_of(std::vector<float>{1.0F, bad}).finite);
}

TEST_CASE("codes round ties to even and stay in range") {
  const CodeRange range = code_range(8, true);
  const std::vector<float> values = {0.5F, 1.5F, 2.5F, -0.5F, -2.5F, 127.4F, 900.0F, -900.0F};
  std::vector<int8_t> codes(values.size());
  encode(values, {.scale = 1.0F}, range, codes);
  CHECK(codes == std::vector<int8_t>{0, 2, 2, 0, -2, 127, 127, -127});
  CHECK(code_range(4, true).low == -8);
}

TEST_CASE("the search is never worse than covering, and better for an outlier") {
  for (const bool symmetric : {true, false}) {
    const CodeRange range = code_range(4, symmetric);
    for (uint64_t seed = 0; seed < 20; ++seed) {
      auto values = values_of(seed, 32, -1.0F, 1.0F);
      const double covered = naive_error(values, covering(extent_of(values), range), range);
      // The search sums in f32 with a reciprocal: equal errors may differ by their rounding.
      CHECK(naive_error(values, least_squares(values, range), range) <= covered * (1 + 1e-4));
      values[5] = 2.5F;
      const double clipped = naive_error(values, least_squares(values, range), range);
      CHECK(clipped < naive_error(values, covering(extent_of(values), range), range));
    }
  }
}

TEST_CASE("balanced codes have errors that add up to half a scale and stay below one each") {
  for (const bool symmetric : {true, false}) {
    const CodeRange range = code_range(4, symmetric);
    for (uint64_t seed = 0; seed < 30; ++seed) {
      auto values = values_of(seed, 32, -1.0F, 1.0F);
      values[3] = values[20] = 0.0F;
      const GroupParameters group = covering(extent_of(values), range);
      std::vector<int8_t> codes(values.size());
      encode_balanced(values, values.size(), {&group, 1}, range, codes);
      double sum = 0;
      for (size_t i = 0; i < values.size(); ++i) {
        const double off = values[i] - real(codes[i], group, range);
        // f32 rounding of value / scale, for each of 32 terms of at most 15 scales.
        CHECK(std::abs(off) <= group.scale * (1 + 1e-5));
        sum += off;
      }
      CHECK(std::abs(sum) <= group.scale * (0.5 + 32 * 1e-5));
      CHECK(real(codes[3], group, range) == 0.0);
      CHECK(real(codes[20], group, range) == 0.0);
    }
  }
}

TEST_CASE("a group for every element encodes as each group alone") {
  const CodeRange range = code_range(8, true);
  const auto values = values_of(4, 11, -2.0F, 2.0F);
  const auto scales = values_of(5, 11, 0.001F, 0.02F);
  const std::vector<int32_t> zeros(11, 0);
  std::vector<int8_t> together(11), alone(1);
  encode(values, scales, zeros, range, together);
  for (size_t i = 0; i < values.size(); ++i) {
    encode(std::span(values).subspan(i, 1), {.scale = scales[i]}, range, alone);
    CHECK(together[i] == alone[0]);
  }
}

}  // namespace
}  // namespace pare::quantize
