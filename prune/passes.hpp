// SPDX-License-Identifier: Apache-2.0
// The pruning passes, one row each.
#pragma once

#include <span>

#include "lib/pass/pass.hpp"

namespace pare::prune {

std::span<const pass::PassInfo> passes();

}  // namespace pare::prune
