// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/regression.hpp"

#include <cmath>

#include "lib/core/error.hpp"

namespace pare::eval {
namespace {

// One value an item, from its row of predictions and truth.
template <class OfRow>
Estimate mean_over_items(std::span<const float> predicted, std::span<const float> truth,
                         size_t width, const OfRow& of_row) {
  std::vector<double> values(truth.size() / width);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = of_row(predicted.subspan(i * width, width), truth.subspan(i * width, width));
  }
  return mean_of(std::move(values));
}

double mean_absolute(std::span<const float> predicted, std::span<const float> truth) {
  double sum = 0.0;
  for (size_t t = 0; t < truth.size(); ++t) {
    sum += std::abs(static_cast<double>(predicted[t]) - static_cast<double>(truth[t]));
  }
  return sum / static_cast<double>(truth.size());
}

double mean_square(std::span<const float> predicted, std::span<const float> truth) {
  double sum = 0.0;
  for (size_t t = 0; t < truth.size(); ++t) {
    const double error = static_cast<double>(predicted[t]) - static_cast<double>(truth[t]);
    sum += error * error;
  }
  return sum / static_cast<double>(truth.size());
}

// Column t of a row-major matrix.
std::vector<float> column(std::span<const float> values, size_t width, size_t t) {
  std::vector<float> out(values.size() / width);
  for (size_t i = 0; i < out.size(); ++i) out[i] = values[i * width + t];
  return out;
}

// 1 - squared error / variance of one target; absent when it never varies.
std::optional<Estimate> estimate_r2(const std::vector<float>& predicted,
                                    const std::vector<float>& truth) {
  double mean = 0.0;
  for (const float value : truth) mean += static_cast<double>(value);
  mean /= static_cast<double>(truth.size());
  std::vector<double> squares(truth.size());
  for (size_t i = 0; i < truth.size(); ++i) {
    const double deviation = static_cast<double>(truth[i]) - mean;
    squares[i] = deviation * deviation;
  }
  const Estimate variance = mean_of(std::move(squares));
  if (!(variance.value > 0.0)) return std::nullopt;
  return one_minus_ratio(mean_over_items(predicted, truth, 1, mean_square), variance);
}

std::optional<Estimate> estimate_mean_r2(std::span<const float> predicted,
                                         std::span<const float> truth, size_t width) {
  Estimate sum{0.0, std::vector<double>(truth.size() / width)};
  for (size_t t = 0; t < width; ++t) {
    const auto one = estimate_r2(column(predicted, width, t), column(truth, width, t));
    if (!one) return std::nullopt;
    sum.value += one->value / static_cast<double>(width);
    for (size_t i = 0; i < sum.influence.size(); ++i) {
      sum.influence[i] += one->influence[i] / static_cast<double>(width);
    }
  }
  return sum;
}

RegressionReport::Errors errors_of(std::string target, const RegressionEstimates& estimates) {
  return {std::move(target), estimates.mae.value, estimates.rmse.value,
          estimates.r2 ? std::optional(estimates.r2->value) : std::nullopt};
}

}  // namespace

std::vector<float> targets_of(const data::Dataset& dataset) {
  std::vector<float> out;
  for (int64_t i = 0; i < dataset.size(); ++i) {
    const auto row = dataset.targets(i);
    out.insert(out.end(), row.begin(), row.end());
  }
  return out;
}

RegressionEstimates estimate_regression(std::span<const float> predicted,
                                        std::span<const float> truth, size_t width) {
  require(
      width > 0 && !truth.empty() && predicted.size() == truth.size() && truth.size() % width == 0,
      "regression needs a prediction a target");
  return {.mae = mean_over_items(predicted, truth, width, mean_absolute),
          .rmse = root_of(mean_over_items(predicted, truth, width, mean_square)),
          .r2 = estimate_mean_r2(predicted, truth, width)};
}

RegressionReport measure_regression(std::span<const float> predicted, std::span<const float> truth,
                                    std::span<const std::string> targets) {
  const size_t width = targets.size();
  RegressionReport out{errors_of("", estimate_regression(predicted, truth, width)), {}};
  for (size_t t = 0; t < width; ++t) {
    out.targets.push_back(errors_of(
        targets[t], estimate_regression(column(predicted, width, t), column(truth, width, t), 1)));
  }
  return out;
}

std::vector<Figure> regression_figures(const RegressionEstimates& estimates) {
  std::vector<Figure> out{figure_of("mae", estimates.mae), figure_of("rmse", estimates.rmse)};
  if (estimates.r2) out.push_back(figure_of("r2", *estimates.r2));
  return out;
}

std::vector<Figure> regression_comparison(const RegressionEstimates& base,
                                          const RegressionEstimates& candidate) {
  std::vector<Figure> out{difference_of("mae_rise", candidate.mae, base.mae),
                          difference_of("rmse_rise", candidate.rmse, base.rmse)};
  if (base.r2 && candidate.r2) out.push_back(difference_of("r2_drop", *base.r2, *candidate.r2));
  if (base.mae.value > 0.0) {
    out.push_back(ratio_of("mae_relative", candidate.mae, base.mae));
    out.push_back(ratio_of("rmse_relative", candidate.rmse, base.rmse));
  }
  return out;
}

}  // namespace pare::eval
