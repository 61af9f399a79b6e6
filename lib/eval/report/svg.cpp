// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/report/svg.hpp"

#include "lib/eval/report/html_text.hpp"

namespace pare::eval {
namespace {

constexpr size_t kMaxLabel = 26;

}  // namespace

std::string svg_attribute(const char* name, double value) {
  return std::string(" ") + name + "=\"" + coordinate(value) + "\"";
}

std::string svg_line(const std::string& css_class, double x1, double y1, double x2, double y2) {
  return "<line class=\"" + css_class + "\"" + svg_attribute("x1", x1) + svg_attribute("y1", y1) +
         svg_attribute("x2", x2) + svg_attribute("y2", y2) + "/>";
}

std::string svg_text(const char* css_class, double x, double y, const char* anchor,
                     const std::string& text) {
  return std::string("<text class=\"") + css_class + "\"" + svg_attribute("x", x) +
         svg_attribute("y", y) + " text-anchor=\"" + anchor + "\">" + html_escaped(text) +
         "</text>";
}

std::string svg_open(const std::string& id, double width, double height, const std::string& title,
                     const std::string& description) {
  return "<svg viewBox=\"0 0 " + coordinate(width) + " " + coordinate(height) +
         "\" role=\"img\" aria-labelledby=\"" + id + "-title " + id + "-desc\"><title id=\"" + id +
         "-title\">" + html_escaped(title) + "</title><desc id=\"" + id + "-desc\">" +
         html_escaped(description) + "</desc>\n";
}

std::string short_label(const std::string& label) {
  size_t points = 0;
  for (size_t i = 0; i < label.size(); ++i) {
    if ((static_cast<unsigned char>(label[i]) & 0xC0) == 0x80) continue;
    if (++points > kMaxLabel) return label.substr(0, i) + "…";
  }
  return label;
}

std::string end_of_name(const std::string& name, size_t most) {
  size_t start = name.size() > most ? name.size() - most + 1 : 0;
  while (start < name.size() && (static_cast<unsigned char>(name[start]) & 0xC0) == 0x80) ++start;
  return (start > 0 ? "…" : "") + name.substr(start);
}

std::string round_tick(std::string text) {
  const size_t dot = text.find('.');
  if (dot == std::string::npos) return text;
  size_t end = text.find_first_not_of("0123456789", dot + 1);
  if (end == std::string::npos) end = text.size();
  size_t keep = text.find_last_not_of('0', end - 1);
  if (keep == dot) --keep;
  return text.erase(keep + 1, end - keep - 1);
}

}  // namespace pare::eval
