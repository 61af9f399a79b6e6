// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/report/strip_plot.hpp"

#include <algorithm>

#include "lib/eval/report/axis.hpp"
#include "lib/eval/report/html_text.hpp"
#include "lib/eval/report/svg.hpp"

namespace pare::eval {
namespace {

constexpr double kWidth = 460;
constexpr double kSide = 14;
constexpr double kTop = 8;
constexpr double kRow = 46;
constexpr double kBottom = 46;
constexpr double kRadius = 5.5;
constexpr double kTick = 8;

class Strips {
 public:
  explicit Strips(const StripPlot& plot)
      : plot_(plot),
        floor_(kTop + kRow * static_cast<double>(plot.rows.size())),
        axis_(log_axis(all_values(), TickUnit::kDecimal)) {}

  std::string svg() const {
    std::string out = svg_open(plot_.id, kWidth, floor_ + kBottom, plot_.title, description());
    for (const double tick : axis_.ticks) {
      out += svg_line("grid", at(tick), kTop, at(tick), floor_);
      out += svg_text("tick", at(tick), floor_ + 17, "middle", round_tick(plot_.x_text(tick)));
    }
    out += svg_line("axis", kSide, floor_, kWidth - kSide, floor_);
    out +=
        svg_text("axis-title", kWidth - kSide, floor_ + kBottom - 8, "end", plot_.x_title) + "\n";
    for (size_t i = 0; i < plot_.rows.size(); ++i) draw_row(i, out);
    return out + "</svg>\n";
  }

 private:
  std::vector<double> all_values() const {
    std::vector<double> all;
    for (const StripRow& row : plot_.rows) {
      all.insert(all.end(), row.values.begin(), row.values.end());
      all.insert(all.end(), {row.p50, row.p99});
    }
    return all;
  }

  double at(double value) const { return kSide + axis_.position(value) * (kWidth - 2 * kSide); }

  std::string summary(const StripRow& row) const {
    return row.label + ": p50 " + plot_.x_text(row.p50) + ", p90 " + plot_.x_text(row.p90) +
           ", p99 " + plot_.x_text(row.p99);
  }

  std::string description() const {
    std::string text;
    for (const StripRow& row : plot_.rows) text += summary(row) + ". ";
    return text;
  }

  void draw_row(size_t index, std::string& out) const {
    const StripRow& row = plot_.rows[index];
    const double top = kTop + kRow * static_cast<double>(index);
    const double y = top + 32;
    const std::string colour = " s" + std::to_string(row.series);
    out += svg_text("label", kSide, top + 15, "start", short_label(row.label));
    out += "<g><title>" + html_escaped(summary(row)) + "</title>";
    for (const double value : row.values) {
      out += svg_line("block" + colour, at(value), y - kTick, at(value), y + kTick);
    }
    out += svg_line("range" + colour, at(row.p50), y, at(row.p99), y);
    for (const double percentile : {row.p90, row.p99}) {
      out += svg_line("range" + colour, at(percentile), y - 5, at(percentile), y + 5);
    }
    out += "<circle class=\"mark" + colour + "\"" + svg_attribute("cx", at(row.p50)) +
           svg_attribute("cy", y) + svg_attribute("r", kRadius) + "/></g>\n";
  }

  const StripPlot& plot_;
  double floor_;
  Axis axis_;
};

}  // namespace

std::string to_svg(const StripPlot& plot) { return Strips(plot).svg(); }

}  // namespace pare::eval
