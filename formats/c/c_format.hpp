// SPDX-License-Identifier: Apache-2.0
// Models as C source: `model.c` and `model.h`, C99 for devices without an operating system. What
// they compute is the runtime's plan (lib/runtime/plan.hpp) with the reference kernels: the same
// fusion, memory placement and arithmetic, so integer models give the runtime's codes bit for bit.
#pragma once

#include <string>
#include <vector>

#include "lib/ir/model.hpp"

namespace pare::formats {

// Writes `path` (.c) and the header beside it; both or neither appear. One item a call (batch 1).
// Throws Error(node, ...) naming an operator, attribute or dtype that has no C kernel, before
// anything is written, and Error(path, ...) where a file cannot be written.
void write_c(const ir::Model& model, const std::string& path);

// What the C source cannot hold of the model.
std::vector<std::string> c_losses(const ir::Model& model);

}  // namespace pare::formats
