// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/report/terminal_plot.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "lib/core/error.hpp"
#include "lib/eval/report/axis.hpp"
#include "lib/eval/report/numbers.hpp"
#include "lib/eval/report/pareto.hpp"

namespace pare::eval {
namespace {

constexpr int kRows = 10;
constexpr int kDefaultWidth = 78;
constexpr int kNarrowest = 40;
constexpr int kWidest = 100;
constexpr int kGutter = 9;  // accuracy labels and the axis

struct Point {
  size_t candidate;
  double bytes;
  double accuracy;  // per cent
  bool dominated = false;
};

std::vector<Point> points_of(const Report& report) {
  std::vector<Point> points;
  std::vector<TradeOff> trade_offs;
  for (size_t i = 0; i < report.candidates.size(); ++i) {
    const CandidateReport& c = report.candidates[i];
    if (!c.size || c.size->file_bytes <= 0) continue;
    const auto bytes = static_cast<double>(c.size->file_bytes);
    const auto quality = quality_of(report, i);
    if (!quality) continue;
    points.push_back({i, bytes, quality->value});
    trade_offs.push_back({bytes, quality->value});
  }
  const std::vector<bool> beaten = dominated(trade_offs);
  for (size_t i = 0; i < points.size(); ++i) points[i].dominated = beaten[i];
  return points;
}

std::string left_padded(const std::string& text, size_t width) {
  return text.size() < width ? std::string(width - text.size(), ' ') + text : text;
}

// 1 to 9, then letters; a model's place in the report.
std::string mark_of(size_t candidate) {
  static constexpr std::string_view kMarks = "123456789abcdefghijklmnopqrstuvwxyz";
  return candidate < kMarks.size() ? std::string(1, kMarks[candidate]) : "*";
}

class Canvas {
 public:
  Canvas(const std::vector<Point>& points, const TerminalStyle& style)
      : points_(points),
        colour_(style.colour),
        columns_(
            std::clamp(style.width > 0 ? style.width - 1 : kDefaultWidth, kNarrowest, kWidest) -
            kGutter),
        cells_(kRows, std::vector<std::string>(static_cast<size_t>(columns_), " ")) {
    std::vector<double> bytes;
    std::vector<double> accuracies;
    for (const Point& point : points) {
      bytes.push_back(point.bytes);
      accuracies.push_back(point.accuracy);
    }
    x_ = log_axis(bytes, TickUnit::kBinary);
    y_ = linear_axis(accuracies);
    // The first models are drawn last: a number that another covers can be told from the key.
    for (size_t i = points.size(); i-- > 0;) draw(points[i]);
  }

  std::string text() const {
    std::string out;
    for (int row = 0; row < kRows; ++row) {
      out += left_padded(row_label(row), kGutter - 2) + " │";
      std::string line;
      for (const std::string& cell : cells_[static_cast<size_t>(row)]) line += cell;
      out += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
    }
    out += std::string(kGutter - 1, ' ') + "└";
    for (int i = 0; i < columns_; ++i) out += "─";
    return out + '\n' + tick_line() + '\n';
  }

 private:
  int column_of(double bytes) const {
    const double at = x_.position(bytes) * (columns_ - 1);
    return std::clamp(static_cast<int>(std::lround(at)), 0, columns_ - 1);
  }
  int row_of(double accuracy) const {
    const double at = (1 - y_.position(accuracy)) * (kRows - 1);
    return std::clamp(static_cast<int>(std::lround(at)), 0, kRows - 1);
  }

  void draw(const Point& point) {
    std::string& cell = cells_[static_cast<size_t>(row_of(point.accuracy))]
                              [static_cast<size_t>(column_of(point.bytes))];
    cell = mark_of(point.candidate);
    if (colour_) cell = (point.dominated ? "\x1b[2m" : "\x1b[1m") + cell + "\x1b[0m";
  }

  std::string row_label(int row) const {
    for (const double tick : y_.ticks) {
      if (row_of(tick) == row) return y_.text(tick);
    }
    return {};
  }

  // Sizes under their columns, those left out that would touch the one before.
  std::string tick_line() const {
    std::string line;
    for (const double tick : x_.ticks) {
      const std::string text = bytes_text(static_cast<int64_t>(tick + 0.5));
      const auto width = static_cast<int>(text.size());
      const int start = std::max(0, kGutter + column_of(tick) - width / 2);
      const auto used = static_cast<int>(line.size());
      if (start < used + 2 && used > 0) continue;
      if (start + width > kGutter + columns_) continue;
      line += std::string(static_cast<size_t>(start - used), ' ') + text;
    }
    return line;
  }

  const std::vector<Point>& points_;
  bool colour_;
  int columns_;
  Axis x_;
  Axis y_;
  std::vector<std::vector<std::string>> cells_;
};

}  // namespace

std::string accuracy_plot(const Report& report, const TerminalStyle& style) {
  constexpr size_t kMaxName = 40;
  const std::vector<Point> points = points_of(report);
  if (points.size() < 2) return {};
  std::string out =
      (report.task == Task::kRegression ? "R²\n" : "accuracy, %\n") + Canvas(points, style).text();
  for (const Point& point : points) {
    const CandidateReport& c = report.candidates[point.candidate];
    out += "  " + mark_of(point.candidate) + "  " + escaped(c.name, kMaxName) +
           (point.dominated ? "  (beaten by one no larger and no worse)" : "") + '\n';
  }
  return out;
}

}  // namespace pare::eval
