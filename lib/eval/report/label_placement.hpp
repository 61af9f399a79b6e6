// SPDX-License-Identifier: Apache-2.0
// Names beside points such that no name covers a point, an error bar or another name. Greedy and
// deterministic: nearest free place around the point, in a fixed order of directions.
#pragma once

#include <string>
#include <vector>

namespace pare::eval {

struct Box {
  double x = 0, y = 0, width = 0, height = 0;
};
// Area of the intersection.
double overlap(const Box& a, const Box& b);

struct LabelRequest {
  std::string text;
  double x = 0, y = 0;         // the point
  std::vector<Box> obstacles;  // what is drawn for this point
};

struct LabelPlace {
  Box box;
  const char* anchor = "start";  // of the text: the end that faces the point
  double anchor_x = 0;
  bool needs_leader = false;  // too far from its point to be understood without a line
  double leader_x = 0, leader_y = 0;
};

// One place a request, inside `area` as far as possible.
std::vector<LabelPlace> place_labels(const std::vector<LabelRequest>& requests, const Box& area);

}  // namespace pare::eval
