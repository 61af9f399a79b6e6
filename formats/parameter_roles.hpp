// SPDX-License-Identifier: Apache-2.0
// What parameters are for, as far as a graph or a name tells: the vocabulary in which weights from
// different frameworks are compared.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lib/ir/model.hpp"

namespace pare::formats {

// "weight", "bias", "mean", "var" for parameters of layers and normalizations, by use; recurrent
// layers: "recurrent". Parameters that no layer takes are not in the map.
std::map<std::string, std::string, std::less<>> roles_in(const ir::Model& model);

// "Encoder/Conv_1/kernel:0" -> {"encoder", "conv", "1", "weight"}: lower case, split at . / _ and
// :, frameworks' synonyms for the last words replaced, decorations ("0" after a colon) dropped.
std::vector<std::string> canonical_words(std::string_view name);
// The last of them.
std::string role_of_name(std::string_view name);
// Whether one list of words is the end of the other.
bool ends_alike(const std::vector<std::string>& a, const std::vector<std::string>& b);

}  // namespace pare::formats
