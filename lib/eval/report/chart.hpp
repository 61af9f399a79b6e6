// SPDX-License-Identifier: Apache-2.0
// A scatter plot of models as inline SVG: logarithmic x, linear y, intervals as error bars, a
// stepped line along the models that no other beats in both, the others grey, each point named
// where its name covers nothing else. Colours are CSS classes (s0, s1, ...), so that the page's
// light and dark palettes apply.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lib/eval/statistics.hpp"

namespace pare::eval {

struct ChartPoint {
  std::string label;  // raw; escaped on output
  double x = 1;       // > 0
  double y = 0;
  std::optional<Interval> x_interval;
  Interval y_interval;
  size_t series = 0;  // colour
};

enum class TickUnit : uint8_t { kDecimal, kBinary };  // steps of 1-2-5 or of powers of two

struct Chart {
  std::string id;  // unique on the page
  std::string title;
  std::string x_title;
  std::string y_title;
  TickUnit x_unit = TickUnit::kDecimal;
  std::function<std::string(double)> x_text;
  std::function<std::string(double)> y_text;
  std::vector<ChartPoint> points;  // at least one
};

// For each point whether another is at most as far right and at least as high.
std::vector<bool> dominated_points(const Chart& chart);
std::string to_svg(const Chart& chart);

}  // namespace pare::eval
