// SPDX-License-Identifier: Apache-2.0
#include "quantize/observer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <doctest/doctest.h>

#include "lib/core/rng.hpp"

namespace pare::quantize {
namespace {

std::vector<float> normal(size_t n, float spread, uint64_t seed = 1) {
  Rng rng(seed);
  std::vector<float> out(n);
  for (float& v : out) v = spread * rng.normal();
  return out;
}

Observer observed(std::span<const float> values) {
  Observer observer;
  observer.add(values);
  return observer;
}

// Mean squared error of quantizing the values themselves.
double error_of(std::span<const float> values, const Range& range) {
  const ir::ActivationQuant q = activation_quant(range);
  double sum = 0;
  for (const float v : values) {
    const double code =
        std::clamp(std::nearbyint(v / static_cast<double>(q.scale)) + q.zero_point, 0.0, 255.0);
    const double off = v - (code - q.zero_point) * q.scale;
    sum += off * off;
  }
  return sum / static_cast<double>(values.size());
}

constexpr CalibrationMethod kMethods[] = {CalibrationMethod::kMinMax,
                                          CalibrationMethod::kPercentile,
                                          CalibrationMethod::kEntropy, CalibrationMethod::kMse};

TEST_CASE("minmax is the extremes with zero") {
  CHECK(observed(std::vector<float>{2.0F, 5.0F}).range(CalibrationMethod::kMinMax, 0).low == 0.0F);
  const Range range =
      observed(std::vector<float>{-3.0F, 5.0F, 0.5F}).range(CalibrationMethod::kMinMax, 0);
  CHECK(range.low == -3.0F);
  CHECK(range.high == 5.0F);
}

TEST_CASE("batches and their order do not change a range") {
  std::vector<float> values = normal(5000, 3.0F);
  values[17] = 400.0F;  // makes the histogram double several times
  const Observer whole = observed(values);
  Observer parts;
  for (size_t at = 4500; at < 5000; at += 100) parts.add(std::span(values).subspan(at, 100));
  for (size_t at = 0; at < 4500; at += 500) parts.add(std::span(values).subspan(at, 500));
  for (const CalibrationMethod method : kMethods) {
    CHECK(whole.range(method, 99.9).low == parts.range(method, 99.9).low);
    CHECK(whole.range(method, 99.9).high == parts.range(method, 99.9).high);
  }
}

TEST_CASE("percentile cuts the share of values it says") {
  std::vector<float> values = normal(100000, 1.0F);
  const Range range = observed(values).range(CalibrationMethod::kPercentile, 99.0);
  const auto outside =
      std::ranges::count_if(values, [&](float v) { return v < range.low || v > range.high; });
  // One bin of a 4096-bin half histogram up to 8 is 0.002 wide and holds at most 0.08 % of a
  // normal.
  CHECK(static_cast<double>(outside) / 100000.0 == doctest::Approx(0.01).epsilon(0.1));
}

TEST_CASE("mse beats minmax when there is an outlier, and is near it for uniform values") {
  std::vector<float> values = normal(20000, 1.0F);
  values[3] = 60.0F;
  const Range clipped = observed(values).range(CalibrationMethod::kMse, 0);
  CHECK(error_of(values, clipped) < error_of(values, {-5.0F, 60.0F}));
  Rng rng(2);
  for (float& v : values) v = rng.uniform();
  const Range whole = observed(values).range(CalibrationMethod::kMse, 0);
  CHECK(whole.low == 0.0F);
  CHECK(whole.high > 0.98F);
}

TEST_CASE("entropy clips a long tail and keeps a uniform distribution") {
  std::vector<float> values = normal(50000, 1.0F);
  for (float& v : values) v = std::max(0.0F, v);  // after Relu
  values[0] = 100.0F;
  const Range clipped = observed(values).range(CalibrationMethod::kEntropy, 0);
  CHECK(clipped.low == 0.0F);
  CHECK(clipped.high < 20.0F);
  CHECK(clipped.high > 2.0F);
  Rng rng(2);
  for (float& v : values) v = rng.uniform(-1.0F, 1.0F);
  CHECK(observed(values).range(CalibrationMethod::kEntropy, 0).high > 0.95F);
}

TEST_CASE("an activation that is always zero, or constant, has a usable scale") {
  for (const float constant : {0.0F, 0.75F, -3.0F}) {
    const Observer observer = observed(std::vector<float>(100, constant));
    for (const CalibrationMethod method : kMethods) {
      const ir::ActivationQuant q = activation_quant(observer.range(method, 99.9));
      CHECK(q.scale > 0.0F);
      const double code = std::clamp(
          std::nearbyint(constant / q.scale) + static_cast<float>(q.zero_point), 0.0F, 255.0F);
      CHECK((code - q.zero_point) * q.scale ==
            doctest::Approx(static_cast<double>(constant)).epsilon(0.01));
    }
  }
  CHECK(activation_quant({}) == ir::ActivationQuant{});
}

TEST_CASE("zero is exact and every value in range is off by at most half a scale") {
  for (const Range& range :
       {Range{-1.3F, 2.9F}, Range{0.0F, 6.0F}, Range{-4.0F, 0.0F}, Range{-1e-30F, 1e30F}}) {
    const ir::ActivationQuant q = activation_quant(range);
    CHECK(q.zero_point >= 0);
    CHECK(q.zero_point <= 255);
    for (int i = 0; i <= 100; ++i) {
      const double v = range.low + (static_cast<double>(range.high) - range.low) * i / 100;
      const double code = std::clamp(std::nearbyint(v / q.scale) + q.zero_point, 0.0, 255.0);
      // Half a step, and the scale's own rounding over 255 steps.
      CHECK(std::abs(v - (code - q.zero_point) * q.scale) <= q.scale * (0.5 + 255 * 0x1p-22));
    }
  }
}

TEST_CASE("NaN and infinity are noticed") {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    CHECK(!observed(std::vector<float>{1.0F, bad}).finite());
  }
}

}  // namespace
}  // namespace pare::quantize
