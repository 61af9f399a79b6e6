// SPDX-License-Identifier: Apache-2.0
// Which models of a trade-off are worth a look.
#pragma once

#include <span>
#include <vector>

namespace pare::eval {

struct TradeOff {
  double cost = 0;   // less is better: bytes, microseconds
  double value = 0;  // more is better: accuracy
};

// For each point whether another costs no more and is worth no less, and is better in one of the
// two. Equal points do not dominate each other.
std::vector<bool> dominated(std::span<const TradeOff> points);

}  // namespace pare::eval
