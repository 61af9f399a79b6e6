// SPDX-License-Identifier: Apache-2.0
// The picture of a diagnosis as inline SVG: one row a part in order of execution, its share of the
// divergence as a bar, and the SQNR of its output as marks, of its own error and accumulated.
#pragma once

#include <string>

#include "lib/eval/diagnose/diagnose.hpp"

namespace pare::eval {

std::string layer_chart(const Diagnosis& diagnosis);

}  // namespace pare::eval
