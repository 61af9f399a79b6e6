// SPDX-License-Identifier: Apache-2.0
// Geometry is in SVG user units of a view box of fixed width; the page scales it.
#include "lib/eval/diagnose/layer_chart.hpp"

#include <algorithm>
#include <cmath>

#include "lib/eval/diagnose/diagnosis_text.hpp"
#include "lib/eval/report/html_text.hpp"
#include "lib/eval/report/numbers.hpp"
#include "lib/eval/report/svg.hpp"

namespace pare::eval {
namespace {

constexpr double kWidth = 760;
constexpr double kRow = 22;
constexpr double kTop = 46;
constexpr double kBottom = 34;
constexpr double kNames = 186;
constexpr double kBarsLeft = 196, kBarsRight = 430;
constexpr double kMarksLeft = 470, kMarksRight = 744;
constexpr double kRadius = 4.5;
constexpr size_t kMaxName = 24;

class LayerChart {
 public:
  explicit LayerChart(const Diagnosis& diagnosis) : diagnosis_(diagnosis) {
    for (const PartDiagnosis& part : diagnosis.parts) {
      largest_share_ = std::max(largest_share_, part.share);
      for (const auto* error : {&part.own, &part.cumulative}) {
        if (*error && (*error)->sqnr_db()) top_db_ = std::max(top_db_, *(*error)->sqnr_db());
      }
    }
    top_db_ = std::ceil(std::min(top_db_, 80.0) / 20.0) * 20.0;
    floor_ = kTop + kRow * static_cast<double>(diagnosis.parts.size());
  }

  std::string svg() const {
    std::string out = svg_open("layers", kWidth, floor_ + kBottom,
                               "Share of the divergence and error of the output, layer by layer",
                               "The same figures are in the table below.");
    out += svg_text("axis-title", kBarsLeft, 14, "start", "share of the divergence") +
           svg_text("axis-title", kMarksLeft, 14, "start", "SQNR of the output, dB") + '\n';
    out += key();
    draw_grid(out);
    for (size_t i = 0; i < diagnosis_.parts.size(); ++i) draw_row(i, out);
    return out + "</svg>\n";
  }

 private:
  static std::string key() {
    return "<g class=\"s1\"><title>its own error</title><circle class=\"mark s1\" cx=\"475\" "
           "cy=\"30\" r=\"4.5\"/></g>" +
           svg_text("tick", 484, 34, "start", "its own error") +
           "<g class=\"s2\"><title>accumulated</title><rect class=\"mark s2\" x=\"575\" y=\"26\" "
           "width=\"8\" height=\"8\"/>"
           "</g>" +
           svg_text("tick", 588, 34, "start", "accumulated") + '\n';
  }

  double at_share(double share) const {
    return kBarsLeft + (largest_share_ > 0 ? share / largest_share_ : 0) * (kBarsRight - kBarsLeft);
  }
  double at_db(double db) const {
    return kMarksLeft + std::clamp(db / top_db_, 0.0, 1.0) * (kMarksRight - kMarksLeft);
  }

  void draw_grid(std::string& out) const {
    for (double db = 0; db <= top_db_; db += 20) {
      out += svg_line("grid", at_db(db), kTop, at_db(db), floor_) +
             svg_text("tick", at_db(db), floor_ + 16, "middle", fixed(db, 0));
    }
    out += svg_line("axis", kBarsLeft, kTop, kBarsLeft, floor_) + '\n';
  }

  void draw_row(size_t i, std::string& out) const {
    const PartDiagnosis& part = diagnosis_.parts[i];
    const double y = kTop + kRow * (static_cast<double>(i) + 0.5);
    const std::string causes = causes_of(diagnosis_, i);
    std::string title = part.name + ": share " + percent(part.share, 1);
    if (part.own && part.own->sqnr_db())
      title += ", own SQNR " + fixed(*part.own->sqnr_db(), 1) + " dB";
    if (part.cumulative && part.cumulative->sqnr_db()) {
      title += ", accumulated " + fixed(*part.cumulative->sqnr_db(), 1) + " dB";
    }
    if (!causes.empty()) title += ", " + causes;
    out += "<g><title>" + html_escaped(title) + "</title>";
    out += svg_text(causes.empty() ? "tick" : "label", kNames, y + 4, "end",
                    end_of_name(part.name, kMaxName));
    if (part.share > 0) {
      const double width = std::max(1.0, at_share(part.share) - kBarsLeft);
      out += causes.empty() ? "<rect class=\"mark s0\"" : "<rect class=\"mark s2\"";
      out += svg_attribute("x", kBarsLeft) + svg_attribute("y", y - 6) +
             svg_attribute("width", width) + svg_attribute("height", 12) + "/>";
      const bool inside = width > 180;
      if (!inside) {
        out += svg_text("tick", kBarsLeft + width + 5, y + 4, "start", percent(part.share, 1));
      }
    }
    draw_marks(part, y, out);
    out += "</g>\n";
  }

  void draw_marks(const PartDiagnosis& part, double y, std::string& out) const {
    if (part.cumulative && part.cumulative->sqnr_db()) {
      out += "<rect class=\"mark s2\"" +
             svg_attribute("x", at_db(*part.cumulative->sqnr_db()) - kRadius) +
             svg_attribute("y", y - kRadius) + svg_attribute("width", 2 * kRadius) +
             svg_attribute("height", 2 * kRadius) + "/>";
    }
    if (part.own && part.own->sqnr_db()) {
      out += "<circle class=\"mark s1\"" + svg_attribute("cx", at_db(*part.own->sqnr_db())) +
             svg_attribute("cy", y) + svg_attribute("r", kRadius) + "/>";
    }
  }

  const Diagnosis& diagnosis_;
  double largest_share_ = 0;
  double top_db_ = 20;
  double floor_ = kTop;
};

}  // namespace

std::string layer_chart(const Diagnosis& diagnosis) { return LayerChart(diagnosis).svg(); }

}  // namespace pare::eval
