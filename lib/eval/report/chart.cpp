// SPDX-License-Identifier: Apache-2.0
// Geometry is in SVG user units of a fixed view box; the page scales it. Sizes are chosen so that
// text stays legible when the picture is as wide as a phone.
#include "lib/eval/report/chart.hpp"

#include <algorithm>
#include <cmath>

#include "lib/eval/report/axis.hpp"
#include "lib/eval/report/html_text.hpp"
#include "lib/eval/report/label_placement.hpp"

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
constexpr size_t kMaxLabel = 26;

std::string attribute(const char* name, double value) {
  return std::string(" ") + name + "=\"" + coordinate(value) + "\"";
}

std::string line(const char* css_class, double x1, double y1, double x2, double y2) {
  return std::string("<line class=\"") + css_class + "\"" + attribute("x1", x1) +
         attribute("y1", y1) + attribute("x2", x2) + attribute("y2", y2) + "/>";
}

std::string text_at(const char* css_class, double x, double y, const char* anchor,
                    const std::string& text) {
  return std::string("<text class=\"") + css_class + "\"" + attribute("x", x) + attribute("y", y) +
         " text-anchor=\"" + anchor + "\">" + html_escaped(text) + "</text>";
}

// Cut to `kMaxLabel` code points; the whole name is in the point's title.
std::string short_label(const std::string& label) {
  size_t points = 0;
  for (size_t i = 0; i < label.size(); ++i) {
    if ((static_cast<unsigned char>(label[i]) & 0xC0) == 0x80) continue;
    if (++points > kMaxLabel) return label.substr(0, i) + "…";
  }
  return label;
}

class Plot {
 public:
  explicit Plot(const Chart& chart)
      : chart_(chart), x_(log_axis(x_values(), chart.x_unit)), y_(linear_axis(y_values())) {}

  std::string svg() const {
    const std::string title_id = chart_.id + "-title";
    const std::string description_id = chart_.id + "-desc";
    std::string out = "<svg viewBox=\"0 0 " + coordinate(kWidth) + " " + coordinate(kHeight) +
                      "\" role=\"img\" aria-labelledby=\"" + title_id + " " + description_id +
                      "\"><title id=\"" + title_id + "\">" + html_escaped(chart_.title) +
                      "</title><desc id=\"" + description_id + "\">" + description() + "</desc>\n";
    draw_axes(out);
    for (const ChartPoint& point : chart_.points) draw_bars(point, out);
    for (const ChartPoint& point : chart_.points) draw_mark(point, out);
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
      text += html_escaped(point.label) + ": " + html_escaped(chart_.x_text(point.x)) + ", " +
              html_escaped(chart_.y_text(point.y)) + ". ";
    }
    return text;
  }

  // "16.0 KiB" is "16 KiB" on an axis, whose ticks are round.
  std::string tick_text(double tick) const {
    std::string text = chart_.x_text(tick);
    const size_t dot = text.find('.');
    if (dot == std::string::npos) return text;
    size_t end = text.find_first_not_of("0123456789", dot + 1);
    if (end == std::string::npos) end = text.size();
    size_t keep = text.find_last_not_of('0', end - 1);
    if (keep == dot) --keep;
    return text.erase(keep + 1, end - keep - 1);
  }

  void draw_axes(std::string& out) const {
    const double floor = kHeight - kBottom;
    for (const double tick : y_.ticks) {
      out += line("grid", kLeft, at_y(tick), kWidth - kRight, at_y(tick));
      out += text_at("tick", kLeft - 8, at_y(tick) + 4, "end", y_.text(tick));
    }
    for (const double tick : x_.ticks) {
      out += line("grid", at_x(tick), kTop, at_x(tick), floor);
      out += text_at("tick", at_x(tick), floor + 17, "middle", tick_text(tick));
    }
    out += line("axis", kLeft, floor, kWidth - kRight, floor);
    out += text_at("axis-title", kWidth - kRight, kHeight - 8, "end", chart_.x_title);
    out += text_at("axis-title", 0, 13, "start", chart_.y_title);
    out += '\n';
  }

  void draw_bars(const ChartPoint& point, std::string& out) const {
    const double x = at_x(point.x);
    const double y = at_y(point.y);
    const double low = at_y(point.y_interval.low);
    const double high = at_y(point.y_interval.high);
    out += "<g class=\"bar s" + std::to_string(point.series) + "\">";
    out += line("", x, low, x, high) + line("", x - kCap, low, x + kCap, low) +
           line("", x - kCap, high, x + kCap, high);
    if (point.x_interval) {
      const double left = at_x(point.x_interval->low);
      const double right = at_x(point.x_interval->high);
      out += line("", left, y, right, y) + line("", left, y - kCap, left, y + kCap) +
             line("", right, y - kCap, right, y + kCap);
    }
    out += "</g>\n";
  }

  void draw_mark(const ChartPoint& point, std::string& out) const {
    out += "<circle class=\"mark s" + std::to_string(point.series) + "\"" +
           attribute("cx", at_x(point.x)) + attribute("cy", at_y(point.y)) +
           attribute("r", kRadius) + "><title>" + html_escaped(point.label) + ": " +
           html_escaped(chart_.x_text(point.x)) + ", " + html_escaped(chart_.y_text(point.y)) +
           "</title></circle>\n";
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
        out += line("leader", requests[i].x, requests[i].y, place.leader_x, place.leader_y);
      }
      out += text_at("label", place.anchor_x, place.box.y + place.box.height - 4, place.anchor,
                     requests[i].text);
    }
  }

  const Chart& chart_;
  Axis x_;
  Axis y_;
};

}  // namespace

std::string to_svg(const Chart& chart) { return Plot(chart).svg(); }

}  // namespace pare::eval
