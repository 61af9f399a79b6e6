// SPDX-License-Identifier: Apache-2.0
// Files of torch.jit.save: a module with its code. Reading one takes libtorch, which this part does
// without: it recognises the files, refuses those that would run code when loaded, and hands the
// rest to what ReadOptions::lower_torchscript names. README.md says how code becomes a graph.
#pragma once

#include <string>

#include "formats/formats.hpp"

namespace pare::formats {

// Whether a zip archive (see is_pytorch) holds a module with code. False for damaged ones.
bool is_torchscript(const std::string& path);

// Throws Error(path): damaged, code that runs when it is loaded, no libtorch in this program, code
// that no graph can stand for.
ir::Model read_torchscript(const std::string& path, const ReadOptions& options);

}  // namespace pare::formats
