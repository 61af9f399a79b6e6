// SPDX-License-Identifier: Apache-2.0
// Geometry is in SVG user units of a view box of fixed width; the page scales it.
#include "lib/eval/report/layer_errors.hpp"

#include <algorithm>
#include <cmath>

#include "lib/eval/report/html_text.hpp"
#include "lib/eval/report/numbers.hpp"
#include "lib/eval/report/svg.hpp"

namespace pare::eval {
namespace {

constexpr double kWidth = 560;
constexpr double kTop = 8;
constexpr double kBottom = 42;
constexpr double kLane = 11;  // of one model in a row
constexpr double kLeastRow = 20;
constexpr double kNames = 186;
constexpr double kLeft = 202, kRight = 496;
constexpr double kEqual = 530;  // the column of weights that are the base's
constexpr double kRadius = 4;
constexpr double kStep = 20;      // dB between grid lines
constexpr double kDeepest = -20;  // further off than ten times the weights: drawn there
constexpr double kHighest = 140;  // f32 against itself once rounded
constexpr size_t kMaxName = 24;

class Errors {
 public:
  Errors(const std::vector<LayerErrorRow>& rows, size_t models)
      : rows_(rows), row_(std::max(kLeastRow, kLane * static_cast<double>(models) + 6)) {
    for (const LayerErrorRow& row : rows) {
      for (const LayerErrorMark& mark : row.marks) {
        if (!mark.sqnr) continue;
        low_ = std::min(low_, std::floor(*mark.sqnr / kStep) * kStep);
        high_ = std::max(high_, std::ceil(*mark.sqnr / kStep) * kStep);
      }
    }
    low_ = std::max(low_, kDeepest);
    high_ = std::min(high_, kHighest);
    floor_ = kTop + row_ * static_cast<double>(rows.size());
  }

  std::string svg() const {
    std::string out =
        svg_open("layer-errors", kWidth, floor_ + kBottom, "Error of the weights, layer by layer",
                 "The same figures are in the table below.");
    for (double db = low_; db <= high_; db += kStep) {
      out += svg_line("grid", at(db), kTop, at(db), floor_) +
             svg_text("tick", at(db), floor_ + 16, "middle", fixed(db, 0));
    }
    out += svg_line("grid", kEqual, kTop, kEqual, floor_) +
           svg_text("tick", kEqual, floor_ + 16, "middle", "equal") +
           svg_line("axis", kLeft, floor_, kRight, floor_) +
           svg_text("axis-title", kRight, floor_ + 34, "end", "SQNR of the weights, dB") + "\n";
    for (size_t i = 0; i < rows_.size(); ++i) draw_row(i, out);
    return out + "</svg>\n";
  }

 private:
  double at(double db) const {
    return kLeft + std::clamp((db - low_) / (high_ - low_), 0.0, 1.0) * (kRight - kLeft);
  }

  void draw_row(size_t index, std::string& out) const {
    const LayerErrorRow& row = rows_[index];
    const double top = kTop + row_ * static_cast<double>(index);
    const double middle = top + row_ / 2;
    out += svg_line("grid", kNames - 6, top, kEqual, top);
    out += svg_text("tick", kNames, middle + 4, "end", end_of_name(row.layer, kMaxName));
    double y = middle - kLane * (static_cast<double>(row.marks.size()) - 1) / 2;
    for (const LayerErrorMark& mark : row.marks) {
      const std::string colour = " s" + std::to_string(mark.series);
      out += "<g><title>" +
             html_escaped(row.layer + ", " + mark.label + ": " + sqnr_text(mark.sqnr)) +
             "</title><circle class=\"mark" + colour + "\"" +
             svg_attribute("cx", mark.sqnr ? at(*mark.sqnr) : kEqual) + svg_attribute("cy", y) +
             svg_attribute("r", kRadius) + "/></g>";
      y += kLane;
    }
    out += "\n";
  }

  const std::vector<LayerErrorRow>& rows_;
  double row_;
  double low_ = 0;
  double high_ = 2 * kStep;
  double floor_ = kTop;
};

}  // namespace

std::string sqnr_text(const std::optional<double>& sqnr) {
  return sqnr ? fixed(*sqnr, 1) + " dB" : "equal";
}

std::string layer_errors_svg(const std::vector<LayerErrorRow>& rows, size_t models) {
  return Errors(rows, models).svg();
}

}  // namespace pare::eval
