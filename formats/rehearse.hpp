// SPDX-License-Identifier: Apache-2.0
// What --dry-run of a conversion says: what writing would lose or refuse.
#pragma once

#include <string>

#include "formats/formats.hpp"

namespace pare::formats {

// Notes losses and throws as write() would, but leaves nothing behind: a format that may refuse or
// lose something is written into the system's temporary folder, and removed.
void rehearse_write(const ir::Model& model, const std::string& path, const WriteOptions& options);

}  // namespace pare::formats
