// SPDX-License-Identifier: Apache-2.0
// How often this executable has allocated: operator new is replaced in allocation_counter.cpp.
#pragma once

#include <cstdint>

namespace pare::test {

int64_t allocation_count();

}  // namespace pare::test
