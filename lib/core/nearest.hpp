// SPDX-License-Identifier: Apache-2.0
// For "did you mean ...?".
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace pare {

// Levenshtein-nearest of `known` to `word`, or "" when nothing is near.
std::string nearest(std::string_view word, std::span<const std::string> known);

}  // namespace pare
