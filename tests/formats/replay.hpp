// SPDX-License-Identifier: Apache-2.0
// What every damaged model file is put through, in the tests and under a fuzzer.
#pragma once

#include <string>

#include "lib/ir/model.hpp"

namespace pare::tests {

// Reads a model and every byte of its tensors. Returns the refusal, "" when there is none. Anything
// but a one-line pare::Error about the file aborts the process: that is what a fuzzer looks for.
std::string read_wholly(const std::string& path, ir::Model* out = nullptr);

}  // namespace pare::tests
