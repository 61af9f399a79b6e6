// SPDX-License-Identifier: Apache-2.0
// The training pass, one row.
#pragma once

#include <span>

#include "lib/pass/pass.hpp"

namespace pare::train {

std::span<const pass::PassInfo> passes();
pass::PassInfo train_pass();

}  // namespace pare::train
