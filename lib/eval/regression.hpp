// SPDX-License-Identifier: Apache-2.0
// Quality of a model that predicts numbers, and of one against another on the same items.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/data/dataset.hpp"
#include "lib/eval/estimate.hpp"

namespace pare::eval {

struct RegressionEstimates {
  Estimate mae;
  Estimate rmse;
  std::optional<Estimate> r2;  // absent when a target never varies
};

struct RegressionReport {
  // One a target, and over all: mean absolute error and root mean squared error over items and
  // targets alike, R2 (coefficient of determination) as the mean of the targets' own.
  struct Errors {
    std::string target;  // "" for all
    double mae = 0;
    double rmse = 0;
    std::optional<double> r2;
  };
  Errors all;
  std::vector<Errors> targets;
};

// Row-major [items, targets] of a whole data set.
std::vector<float> targets_of(const data::Dataset& dataset);

// `predicted` and `truth` are [items, width], width at least 1. Throws Bug on other sizes.
RegressionEstimates estimate_regression(std::span<const float> predicted,
                                        std::span<const float> truth, size_t width);
RegressionReport measure_regression(std::span<const float> predicted, std::span<const float> truth,
                                    std::span<const std::string> targets);

// mae, rmse, r2.
std::vector<Figure> regression_figures(const RegressionEstimates& estimates);
// mae_rise, rmse_rise, r2_drop, mae_relative, rmse_relative.
std::vector<Figure> regression_comparison(const RegressionEstimates& base,
                                          const RegressionEstimates& candidate);

}  // namespace pare::eval
