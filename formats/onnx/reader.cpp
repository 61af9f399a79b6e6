// SPDX-License-Identifier: Apache-2.0
#include <limits>
#include <string_view>

#include <google/protobuf/io/coded_stream.h>

#include "formats/onnx/import_graph.hpp"
#include "formats/onnx/metadata.hpp"
#include "formats/onnx/onnx.pb.h"
#include "formats/onnx/onnx_format.hpp"
#include "formats/onnx/upgrade.hpp"
#include "lib/core/error.hpp"

namespace pare::formats {

namespace {

onnx::ModelProto parsed(const MappedFile& file) {
  const std::span<const std::byte> bytes = file.bytes();
  if (bytes.size() > static_cast<size_t>(std::numeric_limits<int>::max())) {
    throw Error(file.path(), "is larger than 2 GB, which no ONNX file may be");
  }
  onnx::ModelProto proto;
  google::protobuf::io::CodedInputStream stream(reinterpret_cast<const uint8_t*>(bytes.data()),
                                                static_cast<int>(bytes.size()));
  stream.SetTotalBytesLimit(std::numeric_limits<int>::max());
  if (!proto.ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage()) {
    throw Error(file.path(), "damaged .onnx file: its messages do not fit together");
  }
  if (!proto.has_graph()) throw Error(file.path(), "damaged .onnx file: it has no graph");
  return proto;
}

int opset_of(const onnx::ModelProto& proto, const std::string& path) {
  int64_t version = 1;
  for (const auto& set : proto.opset_import()) {
    if (set.domain().empty() || set.domain() == "ai.onnx") version = set.version();
  }
  if (version < kOldestOpset || version > kNewestOpset) {
    throw Error(path, "uses operator set " + std::to_string(version) + ", this pare reads " +
                          std::to_string(kOldestOpset) + " to " + std::to_string(kNewestOpset));
  }
  return static_cast<int>(version);
}

void add_location(const onnx::TensorProto& tensor, std::vector<std::string>& out) {
  for (const auto& entry : tensor.external_data()) {
    if (entry.key() == "location") out.push_back(entry.value());
  }
}

// Nesting is as deep as the parser allows: 100 messages.
void add_locations(const onnx::GraphProto& graph, std::vector<std::string>& out) {
  for (const auto& tensor : graph.initializer()) add_location(tensor, out);
  for (const auto& node : graph.node()) {
    for (const auto& attribute : node.attribute()) {
      if (attribute.has_t()) add_location(attribute.t(), out);
      for (const auto& tensor : attribute.tensors()) add_location(tensor, out);
      if (attribute.has_g()) add_locations(attribute.g(), out);
      for (const auto& inner : attribute.graphs()) add_locations(inner, out);
    }
  }
}

}  // namespace

bool is_onnx(std::span<const std::byte> head) {
  // ir_version, field 1, a small number; then a length-delimited or varint field of ModelProto.
  if (head.size() < 4 || head[0] != std::byte{0x08}) return false;
  const auto version = static_cast<int>(head[1]);
  const auto key = static_cast<int>(head[2]);
  const int field = key >> 3, wire = key & 7;
  return version >= 1 && version < 64 && field >= 2 && field <= 8 && (wire == 2 || wire == 0);
}

ir::Model read_onnx(const std::string& path, const ReadOptions& options) {
  const std::shared_ptr<const MappedFile> file = MappedFile::open(path);
  onnx::ModelProto proto = parsed(*file);
  const int opset = opset_of(proto, path);
  try {
    ir::Model model;
    model.metadata = metadata_of(proto);
    ExternalData external(path);
    import_graph(*proto.mutable_graph(), {.opset = opset, .read = options, .external = external},
                 model);
    return model;
  } catch (const Error& error) {
    throw Error(path, error.what());
  }
}

std::vector<std::string> onnx_external_files(const std::string& path) {
  const std::shared_ptr<const MappedFile> file = MappedFile::open(path);
  const std::span<const std::byte> bytes = file->bytes();
  // Most files have none, and are large: the key is looked for before anything is parsed.
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.find("location") == std::string_view::npos) return {};
  std::vector<std::string> out;
  add_locations(parsed(*file).graph(), out);
  return out;
}

}  // namespace pare::formats
