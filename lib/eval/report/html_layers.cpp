// SPDX-License-Identifier: Apache-2.0
// Where the bytes are, and what changed in the weights, layer by layer.
#include <algorithm>
#include <array>

#include "lib/eval/report/html_sections.hpp"
#include "lib/eval/report/html_text.hpp"
#include "lib/eval/report/layer_errors.hpp"
#include "lib/eval/report/numbers.hpp"

namespace pare::eval {
namespace {

constexpr size_t kMaxOpenLayers = 40;

std::string width_percent(int64_t part, int64_t whole) {
  const double share = whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0.0;
  return coordinate(std::clamp(share, 0.0, 1.0) * 100) + "%";
}

// One bar a file, cut into what its bytes hold.
std::string breakdown_bars(const Report& report) {
  static constexpr std::array kKinds = {"codes and values", "scales and zero points",
                                        "sparse indices", "container"};
  int64_t largest = 0;
  for (const CandidateReport& c : report.candidates) {
    if (c.size && c.size->breakdown) largest = std::max(largest, c.size->breakdown->total());
  }
  if (largest == 0) return {};
  std::string out = "<div class=\"legend\" aria-hidden=\"true\">";
  for (size_t k = 0; k < kKinds.size(); ++k) {
    out += "<span><span class=\"dot k" + std::to_string(k) + "\"></span>" + kKinds[k] + "</span>";
  }
  out += "</div>\n<ul class=\"bars\">\n";
  for (size_t i = 0; i < report.candidates.size(); ++i) {
    const auto& size = report.candidates[i].size;
    if (!size || !size->breakdown) continue;
    const SizeBreakdown& b = *size->breakdown;
    const std::array<int64_t, 4> parts = {b.codes, b.scales, b.indices, b.container};
    std::string text;
    std::string spans;
    for (size_t k = 0; k < parts.size(); ++k) {
      if (parts[k] == 0) continue;
      spans += "<span class=\"k" + std::to_string(k) +
               "\" style=\"width:" + width_percent(parts[k], largest) + "\"></span>";
      text += (text.empty() ? "" : ", ") + std::string(kKinds[k]) + " " + bytes_text(parts[k]);
    }
    out += "<li class=\"layer\"><span class=\"name\">" + colour_dot(i) +
           html_name(report.candidates[i].name) + "</span><div><div class=\"stack\" " +
           "aria-hidden=\"true\">" + spans + "</div><span class=\"note\">" + text +
           "</span></div></li>\n";
  }
  return out + "</ul>\n";
}

std::vector<std::string> layer_names(const Report& report) {
  std::vector<std::string> names;
  for (const CandidateReport& c : report.candidates) {
    if (!c.size) continue;
    for (const LayerSize& layer : c.size->layers) {
      if (std::find(names.begin(), names.end(), layer.name) == names.end()) {
        names.push_back(layer.name);
      }
    }
  }
  return names;
}

const LayerSize* layer_of(const CandidateReport& c, const std::string& name) {
  if (!c.size) return nullptr;
  const auto& layers = c.size->layers;
  const auto found = std::find_if(layers.begin(), layers.end(),
                                  [&](const LayerSize& layer) { return layer.name == name; });
  return found == layers.end() ? nullptr : &*found;
}

std::string layer_bars(const Report& report, const std::vector<std::string>& names) {
  int64_t largest = 1;
  for (const CandidateReport& c : report.candidates) {
    if (!c.size) continue;
    for (const LayerSize& layer : c.size->layers) largest = std::max(largest, layer.bytes);
  }
  std::string out = "<ul class=\"bars\">\n";
  for (const std::string& name : names) {
    out += "<li class=\"layer\"><span class=\"name\">" + html_name(name) + "</span><div>";
    for (size_t i = 0; i < report.candidates.size(); ++i) {
      const LayerSize* layer = layer_of(report.candidates[i], name);
      if (layer == nullptr) continue;
      std::string text = bytes_text(layer->bytes) + ", " + layer->storage;
      if (layer->zeros > 0 && layer->weights > 0) {
        text +=
            ", " +
            percent(static_cast<double>(layer->zeros) / static_cast<double>(layer->weights), 0) +
            " zero";
      }
      out += "<div class=\"track c" + std::to_string(colour_of(i)) + "\" title=\"" +
             html_escaped(report.candidates[i].name) +
             "\"><span class=\"fill\" style=\"width:" + width_percent(layer->bytes, largest) +
             "\"></span><span>" + html_escaped(text) + "</span></div>";
    }
    out += "</div></li>\n";
  }
  return out + "</ul>\n";
}

std::string model_legend(const Report& report) {
  std::string out = "<div class=\"legend\">";
  for (size_t i = 0; i < report.candidates.size(); ++i) {
    if (!report.candidates[i].size) continue;
    out += "<span>" + colour_dot(i) + html_name(report.candidates[i].name) + "</span>";
  }
  return out + "</div>\n";
}

// Some layer of it was compared with the base's.
bool has_errors(const CandidateReport& c) {
  return c.size && std::ranges::any_of(c.size->layers, [](const LayerSize& layer) {
           return layer.weight_error.has_value();
         });
}

std::vector<LayerErrorRow> error_rows(const Report& report, const std::vector<std::string>& names) {
  std::vector<LayerErrorRow> rows;
  for (const std::string& name : names) {
    LayerErrorRow row{.layer = name, .marks = {}};
    for (size_t i = 1; i < report.candidates.size(); ++i) {
      const LayerSize* layer = layer_of(report.candidates[i], name);
      if (layer == nullptr || !layer->weight_error) continue;
      row.marks.push_back({.label = report.candidates[i].name,
                           .series = colour_of(i),
                           .sqnr = layer->weight_error->sqnr_db()});
    }
    if (!row.marks.empty()) rows.push_back(std::move(row));
  }
  return rows;
}

// "31.4 dB (2.7 %)", or why there is none.
std::string error_cell(const LayerSize* layer) {
  if (layer == nullptr) return "<td class=\"muted\">no such layer</td>";
  if (!layer->weight_error) {
    return "<td class=\"muted why\">" + html_escaped(layer->no_weight_error) + "</td>";
  }
  const auto sqnr = layer->weight_error->sqnr_db();
  return "<td>" + sqnr_text(sqnr) +
         (sqnr ? " <span class=\"change\">(" + percent(layer->weight_error->relative_rms(), 1) +
                     ")</span>"
               : "") +
         "</td>";
}

std::string error_table(const Report& report, const std::vector<std::string>& names,
                        const std::vector<size_t>& compared) {
  std::string out =
      "<details><summary>Data of this picture</summary>\n<div class=\"scroll\" role=\"region\" "
      "tabindex=\"0\" aria-label=\"Error of the weights, layer by layer\"><table>\n"
      "<thead><tr><th scope=\"col\">Layer</th>";
  for (const size_t i : compared) {
    out += "<th scope=\"col\">" + colour_dot(i) + html_name(report.candidates[i].name) + "</th>";
  }
  out += "</tr></thead><tbody>\n";
  for (const std::string& name : names) {
    out += "<tr><th scope=\"row\">" + html_name(name) + "</th>";
    for (const size_t i : compared) out += error_cell(layer_of(report.candidates[i], name));
    out += "</tr>\n";
  }
  return out + "</tbody></table></div></details>\n";
}

// Models of which no layer could be compared, and why.
std::string not_compared(const Report& report) {
  std::string out;
  for (size_t i = 1; i < report.candidates.size(); ++i) {
    const CandidateReport& c = report.candidates[i];
    if (!c.size || c.size->layers.empty() || has_errors(c)) continue;
    const std::string& reason = c.size->layers.front().no_weight_error;
    const bool one_reason = std::ranges::all_of(
        c.size->layers, [&](const LayerSize& layer) { return layer.no_weight_error == reason; });
    if (reason.empty()) continue;  // the base is no model with weights
    out += "<p class=\"note\">" + colour_dot(i) + html_name(c.name) +
           ": its layers do not correspond to the base's" +
           (one_reason ? " (" + html_escaped(reason) + ")" : std::string()) +
           "; no error of weights is stated.</p>\n";
  }
  return out;
}

}  // namespace

std::string size_section(const Report& report) {
  const std::vector<std::string> names = layer_names(report);
  if (names.empty()) return {};
  const bool open = names.size() <= kMaxOpenLayers;
  return "<section aria-labelledby=\"bytes\">\n<h2 id=\"bytes\">Where the bytes are</h2>\n" +
         breakdown_bars(report) + "<h3>By layer</h3>\n" + model_legend(report) + "<details" +
         (open ? " open" : "") + "><summary>" + std::to_string(names.size()) +
         (names.size() == 1 ? " layer" : " layers") + "</summary>\n" + layer_bars(report, names) +
         "</details>\n</section>\n";
}

std::string weight_error_section(const Report& report) {
  const std::vector<std::string> names = layer_names(report);
  const std::vector<LayerErrorRow> rows = error_rows(report, names);
  const std::string missing = not_compared(report);
  if (rows.empty() && missing.empty()) return {};
  std::string out =
      "<section aria-labelledby=\"errors\">\n<h2 id=\"errors\">What changed in the weights</h2>\n";
  if (!rows.empty()) {
    std::vector<size_t> compared;
    out += "<div class=\"legend\">";
    for (size_t i = 1; i < report.candidates.size(); ++i) {
      if (!has_errors(report.candidates[i])) continue;
      compared.push_back(i);
      out += "<span>" + colour_dot(i) + html_name(report.candidates[i].name) + "</span>";
    }
    std::vector<std::string> shown;
    for (const LayerErrorRow& row : rows) shown.push_back(row.layer);
    out += "</div>\n<figure>\n" + layer_errors_svg(rows, compared.size()) +
           "<figcaption>Signal to error of each layer's weights against the base's, batch norms "
           "folded in: 20&#8239;dB is an RMS error of 10&#8239;%, 40&#8239;dB of 1&#8239;%. To the "
           "right is closer to the base. What it does to the outputs, pare diagnose measures."
           "</figcaption>\n" +
           error_table(report, shown, compared) + "</figure>\n";
  }
  return out + missing + "</section>\n";
}

}  // namespace pare::eval
