// SPDX-License-Identifier: Apache-2.0
// Ranges and ticks of chart axes.
#pragma once

#include <string>
#include <vector>

#include "lib/eval/report/chart.hpp"

namespace pare::eval {

struct Axis {
  double low = 0;  // of the values, or of their logarithms
  double high = 1;
  bool logarithmic = false;
  std::vector<double> ticks;  // values, ascending, at least two
  int decimals = 0;           // of the ticks' texts
  // 0 at the low end, 1 at the high end.
  double position(double value) const;
  std::string text(double tick) const;
};

// Room around the values; ticks at 1, 2 or 5 times a power of ten.
Axis linear_axis(const std::vector<double>& values);
// Values > 0. Ticks at 1-2-5 or powers of two, thinned to at most six.
Axis log_axis(const std::vector<double>& values, TickUnit unit);

}  // namespace pare::eval
