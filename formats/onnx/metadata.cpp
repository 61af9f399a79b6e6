// SPDX-License-Identifier: Apache-2.0
#include "formats/onnx/metadata.hpp"

#include "formats/onnx/onnx.pb.h"
#include "lib/core/error.hpp"
#include "lib/ir/serialize.hpp"

namespace pare::formats {

namespace {

constexpr const char* kPrefix = "pare.";

}  // namespace

ir::Metadata metadata_of(const onnx::ModelProto& proto) {
  Json json = ir::to_json(ir::Metadata{});
  bool ours = false;
  for (const auto& entry : proto.metadata_props()) {
    if (!entry.key().starts_with(kPrefix)) continue;
    const std::string key = entry.key().substr(std::char_traits<char>::length(kPrefix));
    if (!json.contains(key)) continue;  // of a newer pare
    json[key] = parse_json(entry.value(), "metadata");
    ours = true;
  }
  return ours ? ir::metadata_from_json(json, "metadata") : ir::Metadata{};
}

void set_metadata(onnx::ModelProto& proto, const ir::Metadata& metadata) {
  const Json json = ir::to_json(metadata);
  for (const auto& [key, value] : json.items()) {
    auto& entry = *proto.add_metadata_props();
    entry.set_key(kPrefix + key);
    entry.set_value(to_text(value));
  }
}

}  // namespace pare::formats
