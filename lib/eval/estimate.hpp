// SPDX-License-Identifier: Apache-2.0
// A figure over items with each item's influence on it: how much the figure would move, times the
// number of items, if that item weighed a little more (F. Hampel, JASA 69, 1974; the infinitesimal
// jackknife). What two models share on an item cancels in the difference of their influences, which
// is what makes the error of a difference or ratio paired.
#pragma once

#include <string>
#include <vector>

#include "lib/eval/figure.hpp"

namespace pare::eval {

struct Estimate {
  double value = 0;
  std::vector<double> influence;  // [items], mean 0
};

// The mean of one value an item.
Estimate mean_of(std::vector<double> values);
// Square root of a non-negative estimate; its influence is 0 where the value is 0.
Estimate root_of(Estimate squared);
// 1 - numerator / denominator, for positive denominators.
Estimate one_minus_ratio(const Estimate& numerator, const Estimate& denominator);

Figure figure_of(std::string name, const Estimate& estimate);
// a - b, and a / b (b positive), on the same items.
Figure difference_of(std::string name, const Estimate& a, const Estimate& b);
Figure ratio_of(std::string name, const Estimate& a, const Estimate& b);

}  // namespace pare::eval
