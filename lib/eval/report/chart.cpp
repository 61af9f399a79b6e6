// SPDX-License-Identifier: Apache-2.0
// Geometry is in SVG user units of a fixed view box; the page scales it. Sizes are chosen so that
// text stays legible when the picture is as wide as a phone.
#include "lib/eval/report/chart.hpp"

#include <algorithm>
#include <cmath>

#include "lib/eval/report/axis.hpp"
#include "lib/eval/report/html_text.hpp"
#include "lib/eval/report/label_placement.hpp"
#include "lib/eval/report/pareto.hpp"
#include "lib/eval/report/svg.hpp"

namespace pare::eval {
namespace {

constexpr double kWidth = 460;
constexpr double kHeight = 330;
constexpr double kLeft = 50;
constexpr double kRight = 16;
constexpr double kTop = 32;
constexpr double kBottom = 50;
constexpr double kRadius = 5.5;
constexpr double kCap = 4;

class Plot {
 public:
  explicit Plot(const Chart& chart)
      : chart_(chart),
        dominated_(dominated_points(chart)),
        x_(log_axis(x_values(), chart.x_unit)),
        y_(linear_axis(y_values())) {}

  std::string svg() const {
    std::string out = svg_open(chart_.id, kWidth, kHeight, chart_.title, description());
    draw_axes(out);
    draw_front(out);
    for (size_t i = 0; i < chart_.points.size(); ++i) draw_bars(i, out);
    for (size_t i = 0; i < chart_.points.size(); ++i) draw_mark(i, out);
    draw_labels(out);
    return out + "</svg>\n";
  }

 private:
  std::vector<double> x_values() const {
    std::vector<double> values;
    for (const ChartPoint& point : chart_.points) {
      values.push_back(point.x);
      if (!point.x_interval) continue;
      values.push_back(point.x_interval->low);
      values.push_back(point.x_interval->high);
    }
    return values;
  }

  std::vector<double> y_values() const {
    std::vector<double> values;
    for (const ChartPoint& point : chart_.points) {
      values.insert(values.end(), {point.y, point.y_interval.low, point.y_interval.high});
    }
    return values;
  }

  double at_x(double value) const { return kLeft + x_.position(value) * (kWidth - kLeft - kRight); }
  double at_y(double value) const {
    return kHeight - kBottom - y_.position(value) * (kHeight - kTop - kBottom);
  }

  std::string description() const {
    std::string text;
    for (const ChartPoint& point : chart_.points) {
      text += point.label + ": " + chart_.x_text(point.x) + ", " + chart_.y_text(point.y) + ". ";
    }
    return text;
  }

  std::string interval_note(const ChartPoint& point) const {
    return " (" + html_escaped(chart_.y_text(point.y_interval.low)) + " to " +
           html_escaped(chart_.y_text(point.y_interval.high)) + ")";
  }

  void draw_axes(std::string& out) const {
    const double floor = kHeight - kBottom;
    for (const double tick : y_.ticks) {
      out += svg_line("grid", kLeft, at_y(tick), kWidth - kRight, at_y(tick));
      out += svg_text("tick", kLeft - 8, at_y(tick) + 4, "end", y_.text(tick));
    }
    for (const double tick : x_.ticks) {
      out += svg_line("grid", at_x(tick), kTop, at_x(tick), floor);
      out += svg_text("tick", at_x(tick), floor + 17, "middle", round_tick(chart_.x_text(tick)));
    }
    out += svg_line("axis", kLeft, floor, kWidth - kRight, floor);
    out += svg_text("axis-title", kWidth - kRight, kHeight - 8, "end", chart_.x_title);
    out += svg_text("axis-title", 0, 13, "start", chart_.y_title);
    out += '\n';
  }

  // From the cheapest model to the best one, in steps: what the best accuracy at a cost is.
  void draw_front(std::string& out) const {
    std::vector<const ChartPoint*> front;
    for (size_t i = 0; i < chart_.points.size(); ++i) {
      if (!dominated_[i]) front.push_back(&chart_.points[i]);
    }
    std::sort(front.begin(), front.end(),
              [](const ChartPoint* a, const ChartPoint* b) { return a->x < b->x; });
    std::string path;
    for (const ChartPoint* point : front) {
      path += path.empty() ? "M" + coordinate(at_x(point->x)) + " " + coordinate(kHeight - kBottom)
                           : "H" + coordinate(at_x(point->x));
      path += "V" + coordinate(at_y(point->y));
    }
    out += "<path class=\"front\" d=\"" + path + "H" + coordinate(kWidth - kRight) + "\"/>\n";
  }

  // The classes that give a point its colour.
  std::string colour(size_t point) const {
    return "s" + std::to_string(chart_.points[point].series) +
           (dominated_[point] ? " dominated" : "");
  }

  void draw_bars(size_t index, std::string& out) const {
    const ChartPoint& point = chart_.points[index];
    const double x = at_x(point.x);
    const double y = at_y(point.y);
    const double low = at_y(point.y_interval.low);
    const double high = at_y(point.y_interval.high);
    out += "<g class=\"bar " + colour(index) + "\">";
    out += svg_line("", x, low, x, high) + svg_line("", x - kCap, low, x + kCap, low) +
           svg_line("", x - kCap, high, x + kCap, high);
    if (point.x_interval) {
      const double left = at_x(point.x_interval->low);
      const double right = at_x(point.x_interval->high);
      out += svg_line("", left, y, right, y) + svg_line("", left, y - kCap, left, y + kCap) +
             svg_line("", right, y - kCap, right, y + kCap);
    }
    out += "</g>\n";
  }

  void draw_mark(size_t index, std::string& out) const {
    const ChartPoint& point = chart_.points[index];
    out += "<circle class=\"mark " + colour(index) + "\"" + svg_attribute("cx", at_x(point.x)) +
           svg_attribute("cy", at_y(point.y)) + svg_attribute("r", kRadius) + "><title>" +
           html_escaped(point.label) + ": " + html_escaped(chart_.x_text(point.x)) + ", " +
           html_escaped(chart_.y_text(point.y)) + interval_note(point) +
           (dominated_[index] ? ", dominated" : "") + "</title></circle>\n";
  }

  void draw_labels(std::string& out) const {
    std::vector<LabelRequest> requests;
    for (const ChartPoint& point : chart_.points) {
      LabelRequest request{short_label(point.label), at_x(point.x), at_y(point.y), {}};
      request.obstacles.push_back(
          Box{at_x(point.x) - kRadius, at_y(point.y) - kRadius, 2 * kRadius, 2 * kRadius});
      const double high = at_y(point.y_interval.high);
      request.obstacles.push_back(
          Box{at_x(point.x) - kCap, high, 2 * kCap, at_y(point.y_interval.low) - high});
      if (point.x_interval) {
        const double left = at_x(point.x_interval->low);
        request.obstacles.push_back(
            Box{left, at_y(point.y) - kCap, at_x(point.x_interval->high) - left, 2 * kCap});
      }
      requests.push_back(std::move(request));
    }
    const Box area{kLeft + 2, kTop - 12, kWidth - kLeft - 4, kHeight - kTop - kBottom + 10};
    const std::vector<LabelPlace> places = place_labels(requests, area);
    for (size_t i = 0; i < places.size(); ++i) {
      const LabelPlace& place = places[i];
      if (place.needs_leader) {
        out += svg_line("leader", requests[i].x, requests[i].y, place.leader_x, place.leader_y);
      }
      out += svg_text("label", place.anchor_x, place.box.y + place.box.height - 4, place.anchor,
                      requests[i].text);
    }
  }

  const Chart& chart_;
  std::vector<bool> dominated_;
  Axis x_;
  Axis y_;
};

}  // namespace

std::vector<bool> dominated_points(const Chart& chart) {
  std::vector<TradeOff> points;
  for (const ChartPoint& point : chart.points) points.push_back({point.x, point.y});
  return dominated(points);
}

std::string to_svg(const Chart& chart) { return Plot(chart).svg(); }

}  // namespace pare::eval
