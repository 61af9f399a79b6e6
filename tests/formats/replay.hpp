// SPDX-License-Identifier: Apache-2.0
// What every damaged model file is put through, in the tests and under a fuzzer.
#pragma once

#include <string>

#include "lib/ir/model.hpp"

namespace pare::tests {

// Reads a model and inspects it, which reads every byte of its tensors, by the reader named
// `format` ("": whichever the content asks for). Returns the refusal, "" when there is none.
// Anything but a one-line pare::Error about the file aborts the process: that is what a fuzzer
// looks for.
std::string read_wholly(const std::string& path, ir::Model* out = nullptr,
                        const std::string& format = {});

}  // namespace pare::tests
