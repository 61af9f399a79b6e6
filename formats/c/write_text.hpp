// SPDX-License-Identifier: Apache-2.0
// The text of the two files.
#pragma once

#include <string>

#include "lib/ir/model.hpp"

namespace pare::formats::c {

struct Files {
  std::string source;  // NAME.c
  std::string header;  // NAME.h
};

// `name`: an identifier, what the functions and macros begin with. `header_name`: of the file, as
// the source includes it. Deterministic.
Files file_texts(const ir::Model& model, const std::string& name, const std::string& header_name);

}  // namespace pare::formats::c
