// SPDX-License-Identifier: Apache-2.0
// The few elements that our pictures are made of. Coordinates are in user units of the view box.
#pragma once

#include <string>

namespace pare::eval {

std::string svg_attribute(const char* name, double value);
std::string svg_line(const std::string& css_class, double x1, double y1, double x2, double y2);
// `anchor` is start, middle or end; `text` is escaped.
std::string svg_text(const char* css_class, double x, double y, const char* anchor,
                     const std::string& text);
// The opening tag, with a title and a description (both escaped) for who cannot see the picture.
std::string svg_open(const std::string& id, double width, double height, const std::string& title,
                     const std::string& description);
// Cut to some 26 code points, for names beside points.
std::string short_label(const std::string& label);
// The last `most` bytes of a long name of a layer: its end is what tells layers apart.
std::string end_of_name(const std::string& name, size_t most);
// "16.0 KiB" is "16 KiB" on an axis, whose ticks are round.
std::string round_tick(std::string text);

}  // namespace pare::eval
