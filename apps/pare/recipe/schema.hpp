// SPDX-License-Identifier: Apache-2.0
// The recipe format as a JSON Schema (draft 2020-12), made from the table of commands:
// docs/recipe.schema.json is what this returns, and a test keeps it so.
#pragma once

#include "lib/core/json.hpp"

namespace pare::cli {

Json recipe_schema();

}  // namespace pare::cli
