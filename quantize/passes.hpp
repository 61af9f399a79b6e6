// SPDX-License-Identifier: Apache-2.0
// The quantization passes, one row each.
#pragma once

#include <span>

#include "lib/pass/pass.hpp"

namespace pare::quantize {

std::span<const pass::PassInfo> passes();

}  // namespace pare::quantize
