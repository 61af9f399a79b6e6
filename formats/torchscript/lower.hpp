// SPDX-License-Identifier: Apache-2.0
// A TorchScript file as a Model: the method forward() walked with the inputs' shapes, attributes
// that carry data from call to call as state inputs and outputs. Needs libtorch; runs in a process
// of its own (apps/pare-train), because the file decides what libtorch does.
#pragma once

#include <string>

#include "formats/formats.hpp"

namespace pare::formats::torchscript {

// Throws Error(path): damaged, an input without shape, code that no graph can stand for.
ir::Model lower(const std::string& path, const ReadOptions& options);

}  // namespace pare::formats::torchscript
