// SPDX-License-Identifier: Apache-2.0
// What safetensors keep beside tensors: the texts of __metadata__. Ours are "pare" (labels,
// preprocessing and history, as JSON) and "quantization_config" (as in a config.json).
#pragma once

#include <map>
#include <string>

#include "lib/core/json.hpp"
#include "lib/ir/model.hpp"

namespace pare::formats::safetensors {

using Texts = std::map<std::string, std::string>;

// The quantization_config of __metadata__, else of a config.json beside `path`, else null. Throws
// Error(path) when it is no JSON.
Json stated_config(const Texts& texts, const std::string& path);
ir::Metadata stated_metadata(const Texts& texts, const std::string& path);
// The texts to write for a model.
Json texts_for(const ir::Metadata& metadata, const Json& quantization_config);

}  // namespace pare::formats::safetensors
