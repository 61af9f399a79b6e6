// SPDX-License-Identifier: Apache-2.0
// The distillation passes, one row each.
#pragma once

#include <span>

#include "lib/pass/pass.hpp"

namespace pare::distill {

std::span<const pass::PassInfo> passes();
pass::PassInfo distill_pass();

}  // namespace pare::distill
