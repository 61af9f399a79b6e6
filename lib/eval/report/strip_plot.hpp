// SPDX-License-Identifier: Apache-2.0
// How measurements scatter, as inline SVG: one row a model, a tick for every block's median on a
// common logarithmic axis, a point at the median of all runs and a line from there to the
// percentiles above it.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace pare::eval {

struct StripRow {
  std::string label;           // raw; escaped on output
  std::vector<double> values;  // > 0
  double p50 = 1, p90 = 1, p99 = 1;
  size_t series = 0;  // colour
};

struct StripPlot {
  std::string id;  // unique on the page
  std::string title;
  std::string x_title;
  std::function<std::string(double)> x_text;
  std::vector<StripRow> rows;  // at least one
};

std::string to_svg(const StripPlot& plot);

}  // namespace pare::eval
