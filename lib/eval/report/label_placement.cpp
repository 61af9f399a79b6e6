// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/report/label_placement.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace pare::eval {
namespace {

// Of the page's 12-unit sans-serif; generous, because the font is the reader's.
constexpr double kCharacterWidth = 7.1;
constexpr double kLineHeight = 16;
constexpr double kLeaderDistance = 20;

double text_width(const std::string& text) {
  const auto points = std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  });
  return static_cast<double>(points) * kCharacterWidth + 2;
}

struct Direction {
  double x, y;  // -1, 0, 1: where the label lies seen from the point
};
constexpr std::array kDirections = {Direction{1, 0},  Direction{1, -1},  Direction{1, 1},
                                    Direction{-1, 0}, Direction{-1, -1}, Direction{-1, 1},
                                    Direction{0, -1}, Direction{0, 1}};

Box box_towards(const LabelRequest& request, Direction direction, double distance) {
  const double width = text_width(request.text);
  const double centre_x = request.x + direction.x * (distance + width / 2);
  const double centre_y = request.y + direction.y * (distance + kLineHeight / 2);
  return {centre_x - width / 2, centre_y - kLineHeight / 2, width, kLineHeight};
}

// Area of `box` outside `area`.
double outside(const Box& box, const Box& area) {
  const double area_outside = box.width * box.height - overlap(box, area);
  return area_outside < 1e-6 ? 0 : area_outside;  // rounding must not outweigh a free place
}

}  // namespace

double overlap(const Box& a, const Box& b) {
  const double width = std::min(a.x + a.width, b.x + b.width) - std::max(a.x, b.x);
  const double height = std::min(a.y + a.height, b.y + b.height) - std::max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}

std::vector<LabelPlace> place_labels(const std::vector<LabelRequest>& requests, const Box& area) {
  std::vector<Box> taken;
  for (const LabelRequest& request : requests) {
    taken.insert(taken.end(), request.obstacles.begin(), request.obstacles.end());
  }
  std::vector<LabelPlace> places;
  for (const LabelRequest& request : requests) {
    LabelPlace best;
    double best_cost = std::numeric_limits<double>::infinity();
    for (double distance = 9; distance < 130 && best_cost > 0; distance += 8) {
      for (const Direction direction : kDirections) {
        const Box box = box_towards(request, direction, distance);
        double cost = 4 * outside(box, area);
        for (const Box& other : taken) cost += overlap(box, other);
        if (cost >= best_cost) continue;
        best_cost = cost;
        best.box = box;
        best.anchor = direction.x > 0 ? "start" : direction.x < 0 ? "end" : "middle";
        best.anchor_x = box.x + box.width * (1 - direction.x) / 2;
        best.needs_leader = distance > kLeaderDistance;
        best.leader_x = std::clamp(request.x, box.x, box.x + box.width);
        best.leader_y = std::clamp(request.y, box.y + 2, box.y + box.height - 2);
        if (cost == 0) break;
      }
    }
    taken.push_back(best.box);
    places.push_back(best);
  }
  return places;
}

}  // namespace pare::eval
