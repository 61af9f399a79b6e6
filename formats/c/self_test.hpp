// SPDX-License-Identifier: Apache-2.0
// The part of a generated file between `#ifdef PARE_SELF_TEST` and `#endif`: stored input and
// output, and a main() that prints PASS or FAIL and returns 0 or 1.
#pragma once

#include <string>

#include "formats/c/golden.hpp"

namespace pare::formats::c {

std::string self_test_text(const Program& program, const Golden& golden, const std::string& name);

}  // namespace pare::formats::c
