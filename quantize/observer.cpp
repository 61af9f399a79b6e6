// SPDX-License-Identifier: Apache-2.0
#include "quantize/observer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "quantize/range_search.hpp"

namespace pare::quantize {

namespace {

constexpr int kBins = 8192;
constexpr int kHalf = kBins / 2;

}  // namespace

Observer::Observer() : counts_(kBins) {}

// The histogram of twice the width: the old bins become its middle half.
void Observer::grow_to(float magnitude) {
  int needed = 0;
  std::frexp(magnitude, &needed);  // magnitude < 2^needed
  if (empty_) exponent_ = needed;
  empty_ = false;
  for (; exponent_ < needed; ++exponent_) {
    std::vector<int64_t> wider(kBins);
    for (int j = 0; j < kHalf; ++j) {
      const auto from = static_cast<size_t>(2 * j);
      wider[static_cast<size_t>(j + kHalf / 2)] = counts_[from] + counts_[from + 1];
    }
    counts_ = std::move(wider);
  }
}

void Observer::add(std::span<const float> values) {
  float low = min_, high = max_;
  bool finite = true;
  for (const float value : values) {
    low = value < low ? value : low;
    high = value > high ? value : high;
    finite = finite && std::isfinite(value);
  }
  finite_ = finite_ && finite;
  if (!finite) return;
  min_ = low, max_ = high;
  const float magnitude = std::max(-low, high);
  total_ += static_cast<int64_t>(values.size());
  if (magnitude == 0.0F) {
    zeros_ += static_cast<int64_t>(values.size());
    return;
  }
  grow_to(magnitude);
  // A power of two: the product is exact, so a value falls into the same bin whatever came before.
  const double per_unit = std::ldexp(kHalf, -exponent_);
  for (const float value : values) {
    if (value == 0.0F) {
      ++zeros_;
      continue;
    }
    const auto bin = static_cast<int>(std::floor(static_cast<double>(value) * per_unit)) + kHalf;
    ++counts_[static_cast<size_t>(std::clamp(bin, 0, kBins - 1))];
  }
}

std::vector<Bin> Observer::bins() const {
  std::vector<Bin> out;
  const double width = std::ldexp(1.0, exponent_) / kHalf;
  for (int b = 0; b < kBins; ++b) {
    const int64_t count = counts_[static_cast<size_t>(b)];
    if (count > 0) out.push_back({(b - kHalf + 0.5) * width, static_cast<double>(count)});
  }
  return out;
}

Range Observer::clamped(double low, double high) const {
  return {.low = std::min(0.0F, std::max(min_, static_cast<float>(low))),
          .high = std::max(0.0F, std::min(max_, static_cast<float>(high)))};
}

Range Observer::range(CalibrationMethod method, double percentile) const {
  const Extremes extremes{min_, max_};
  if (method == CalibrationMethod::kMinMax || min_ == max_) return clamped(min_, max_);
  const std::vector<Bin> seen = bins();
  const double width = std::ldexp(1.0, exponent_) / kHalf;
  Extremes best = extremes;
  if (method == CalibrationMethod::kPercentile) {
    best = percentile_range(seen, width, static_cast<double>(zeros_), percentile);
  } else if (method == CalibrationMethod::kEntropy) {
    best = entropy_range(seen, width, extremes);
  } else {
    best = least_squares_range(seen, extremes);
  }
  return clamped(best.low, best.high);
}

ir::ActivationQuant activation_quant(const Range& range) {
  ir::ActivationQuant quant;
  const float scale = range.high / 255.0F - range.low / 255.0F;
  if (!(scale >= std::numeric_limits<float>::min()) || !std::isfinite(scale)) return quant;
  quant.scale = scale;
  quant.zero_point =
      static_cast<int32_t>(std::clamp(std::nearbyint(-range.low / scale), 0.0F, 255.0F));
  return quant;
}

}  // namespace pare::quantize
