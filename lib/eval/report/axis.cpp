// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/report/axis.hpp"

#include <algorithm>
#include <cmath>

#include "lib/eval/report/numbers.hpp"

namespace pare::eval {
namespace {

constexpr size_t kMaxTicks = 6;
constexpr double kRoom = 0.10;  // of the range, on each side

// The multipliers a tick may have within a decade, coarse first.
const std::vector<std::vector<double>> kDecades = {{1}, {1, 3}, {1, 2, 5}, {1, 1.5, 2, 3, 4, 5, 7}};

std::vector<double> decimal_ticks(double low, double high, const std::vector<double>& steps) {
  std::vector<double> ticks;
  for (int e = static_cast<int>(std::floor(low)); e <= static_cast<int>(std::ceil(high)); ++e) {
    for (const double step : steps) {
      const double at = std::log10(step) + e;
      if (at >= low && at <= high) ticks.push_back(step * std::pow(10.0, e));
    }
  }
  return ticks;
}

// Powers of two `step` octaves apart; with step 0, also halfway between neighbours (24 between 16
// and 32).
std::vector<double> binary_ticks(double low, double high, int step) {
  std::vector<double> ticks;
  const int first = static_cast<int>(std::floor(low / std::log10(2.0))) - 1;
  const int last = static_cast<int>(std::ceil(high / std::log10(2.0)));
  const auto add = [&](double value) {
    if (std::log10(value) >= low && std::log10(value) <= high) ticks.push_back(value);
  };
  for (int octave = first; octave <= last; ++octave) {
    if (step > 1 && octave % step != 0) continue;
    add(std::exp2(octave));
    if (step == 0) add(1.5 * std::exp2(octave));
  }
  return ticks;
}

// Ticks for a range too narrow for round ratios: round steps, as on a linear axis.
std::vector<double> linear_ticks(double low, double high, double& step) {
  const double rough = (high - low) / 4.0;
  const double decade = std::pow(10.0, std::floor(std::log10(rough)));
  step = decade * (rough < 1.5 * decade   ? 1
                   : rough < 3.5 * decade ? 2
                   : rough < 7.5 * decade ? 5
                                          : 10);
  std::vector<double> ticks;
  for (double k = std::ceil(low / step); k * step <= high; k += 1) ticks.push_back(k * step);
  return ticks;
}

}  // namespace

double Axis::position(double value) const {
  const double at = logarithmic ? std::log10(value) : value;
  return (at - low) / (high - low);
}

std::string Axis::text(double tick) const { return fixed(tick, decimals); }

Axis linear_axis(const std::vector<double>& values) {
  Axis axis;
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  const double range = std::max(*most - *least, 1e-3 * std::max(1.0, std::abs(*most)));
  axis.low = *least - kRoom * range;
  axis.high = *most + kRoom * range;
  double step = 1;
  axis.ticks = linear_ticks(axis.low, axis.high, step);
  axis.decimals = std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 6);
  return axis;
}

Axis log_axis(const std::vector<double>& values, TickUnit unit) {
  Axis axis{.logarithmic = true};
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  const double middle = 0.5 * (std::log10(*least) + std::log10(*most));
  // At least a factor of two, so that equal sizes do not look far apart.
  const double half = std::max(0.5 * (std::log10(*most) - std::log10(*least)), 0.15);
  axis.low = middle - half * (1 + 2 * kRoom);
  axis.high = middle + half * (1 + 2 * kRoom);
  if (unit == TickUnit::kBinary) {
    axis.ticks = binary_ticks(axis.low, axis.high, 0);
    for (int step = 1; axis.ticks.size() > kMaxTicks; step *= 2) {
      axis.ticks = binary_ticks(axis.low, axis.high, step);
    }
  } else {
    for (const auto& steps : kDecades) {
      const auto ticks = decimal_ticks(axis.low, axis.high, steps);
      const bool finer_fits = axis.ticks.size() < 3 && ticks.size() <= kMaxTicks;
      if (axis.ticks.empty() || finer_fits) axis.ticks = ticks;
    }
    while (axis.ticks.size() > kMaxTicks) {
      for (size_t i = 1; i < axis.ticks.size(); ++i) {
        axis.ticks.erase(axis.ticks.begin() + static_cast<int64_t>(i));
      }
    }
  }
  return axis;
}

}  // namespace pare::eval
