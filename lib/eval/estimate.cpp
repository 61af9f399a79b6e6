// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/estimate.hpp"

#include <cmath>

#include "lib/core/error.hpp"

namespace pare::eval {
namespace {

// Standard deviation of the influences over the root of their number.
Figure figure_of_influence(std::string name, double value, const std::vector<double>& influence) {
  require(!influence.empty(), "an estimate needs items");
  const auto n = static_cast<double>(influence.size());
  double squares = 0.0;
  for (const double each : influence) squares += each * each;
  const double spread = influence.size() > 1 ? std::sqrt(squares / (n - 1.0) / n) : 0.0;
  return {std::move(name), value, MeanOfItems{spread, static_cast<int64_t>(influence.size())}};
}

// The influence of value(a, b) given its two partial derivatives.
std::vector<double> combined(const Estimate& a, double by_a, const Estimate& b, double by_b) {
  require(a.influence.size() == b.influence.size(), "estimates of the same items");
  std::vector<double> out(a.influence.size());
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = by_a * a.influence[i] + by_b * b.influence[i];
  }
  return out;
}

}  // namespace

Estimate mean_of(std::vector<double> values) {
  require(!values.empty(), "a mean needs items");
  double sum = 0.0;
  for (const double value : values) sum += value;
  const double mean = sum / static_cast<double>(values.size());
  for (double& value : values) value -= mean;
  return {mean, std::move(values)};
}

Estimate root_of(Estimate squared) {
  squared.value = std::sqrt(squared.value);
  const double slope = squared.value > 0.0 ? 0.5 / squared.value : 0.0;
  for (double& each : squared.influence) each *= slope;
  return squared;
}

Estimate one_minus_ratio(const Estimate& numerator, const Estimate& denominator) {
  const double ratio = numerator.value / denominator.value;
  return {1.0 - ratio,
          combined(numerator, -1.0 / denominator.value, denominator, ratio / denominator.value)};
}

Figure figure_of(std::string name, const Estimate& estimate) {
  return figure_of_influence(std::move(name), estimate.value, estimate.influence);
}

Figure difference_of(std::string name, const Estimate& a, const Estimate& b) {
  return figure_of_influence(std::move(name), a.value - b.value, combined(a, 1.0, b, -1.0));
}

Figure ratio_of(std::string name, const Estimate& a, const Estimate& b) {
  const double ratio = a.value / b.value;
  return figure_of_influence(std::move(name), ratio,
                             combined(a, 1.0 / b.value, b, -ratio / b.value));
}

}  // namespace pare::eval
