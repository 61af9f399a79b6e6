// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/report/pareto.hpp"

#include <algorithm>

namespace pare::eval {

std::vector<bool> dominated(std::span<const TradeOff> points) {
  std::vector<bool> out;
  for (const TradeOff& point : points) {
    out.push_back(std::any_of(points.begin(), points.end(), [&](const TradeOff& other) {
      return other.cost <= point.cost && other.value >= point.value &&
             (other.cost < point.cost || other.value > point.value);
    }));
  }
  return out;
}

}  // namespace pare::eval
