// SPDX-License-Identifier: Apache-2.0
// ModelProto.metadata_props: what pare knows of a model beyond its graph, as JSON under "pare.*"
// keys: pare.task, pare.labels, pare.preprocessing, pare.source, pare.history.
#pragma once

#include "lib/ir/model.hpp"

namespace pare::onnx {
class ModelProto;
}

namespace pare::formats {

// Metadata of `proto`; what other producers wrote is left alone. Throws Error("metadata", ...) when
// our own keys hold something else.
ir::Metadata metadata_of(const onnx::ModelProto& proto);
void set_metadata(onnx::ModelProto& proto, const ir::Metadata& metadata);

}  // namespace pare::formats
