// SPDX-License-Identifier: Apache-2.0
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "formats/onnx/export_graph.hpp"
#include "formats/onnx/metadata.hpp"
#include "formats/onnx/onnx.pb.h"
#include "formats/onnx/onnx_format.hpp"
#include "lib/core/error.hpp"

namespace pare::formats {

namespace {

// A message may have 2 GB; graph, metadata and what becomes f32 need some of it.
constexpr int64_t kMostInside = int64_t{1} << 30;

int64_t written_bytes(const ir::Model& model, int opset) {
  int64_t bytes = 0;
  for (const auto& entry : model.parameters.entries()) {
    const ir::Tensor& tensor = entry.tensor;
    const bool codes = tensor.is_quantized() && keeps_codes(tensor, opset);
    const ir::DType stored = codes ? tensor.scheme()->code : tensor.dtype();
    bytes += ir::byte_size(stored, tensor.dims(), entry.name);
  }
  return bytes;
}

// The IR version that came with each operator set.
int ir_version(int opset) { return opset >= 21 ? 10 : opset >= 15 ? 8 : 7; }

// The same model gives the same bytes.
std::string serialized(const onnx::ModelProto& proto, const std::string& path) {
  std::string out;
  {
    google::protobuf::io::StringOutputStream stream(&out);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    if (!proto.SerializeToCodedStream(&coded)) throw Error(path, "is larger than 2 GB");
  }
  return out;
}

void check(const ir::Model& model, const std::string& path, const WriteOptions& options) {
  if (model.graphs.empty()) {
    throw Error(path, "weights without a graph cannot be written as ONNX; see --arch and --graph");
  }
  if (options.opset != 13 && options.opset != 17 && options.opset != 21) {
    throw UsageError("--opset", "must be 13, 17 or 21");
  }
}

// Convolutions of codes whose sum with a residual is what gets codes.
int64_t convolutions_before_additions(const ir::Graph& graph) {
  int64_t count = 0;
  for (const ir::Node& node : graph.nodes()) {
    if (node.op != "Add") continue;
    for (const ir::ValueId id : node.inputs) {
      const ir::NodeId producer = graph.producer(id);
      if (!producer.valid() || graph.value(id).quant) continue;
      const ir::Node& conv = graph.node(producer);
      if (conv.op == "Conv" && graph.value(conv.inputs[0]).quant) ++count;
    }
  }
  return count;
}

std::string tensors(int64_t count) {
  return std::to_string(count) + (count == 1 ? " tensor" : " tensors");
}

}  // namespace

void write_onnx(const ir::Model& model, const std::string& path, const WriteOptions& options) {
  check(model, path, options);
  OutputFile file(path);
  const bool external = written_bytes(model, options.opset) > kMostInside;
  TensorSink sink(external ? path + ".data" : "");
  onnx::ModelProto proto;
  proto.set_ir_version(ir_version(options.opset));
  proto.set_producer_name("pare");
  proto.set_producer_version(PARE_VERSION);
  auto& set = *proto.add_opset_import();
  set.set_domain("");
  set.set_version(options.opset);
  GraphExport(model, options.opset, sink, *proto.mutable_graph()).run();
  set_metadata(proto, model.metadata);
  file.write(serialized(proto, path));
  sink.commit();
  file.commit();
  if (const int64_t count = convolutions_before_additions(model.main()); count > 0) {
    options.note(std::to_string(count) + (count == 1 ? " convolution has" : " convolutions have") +
                 " no codes of their own before a residual addition: ONNX Runtime computes them "
                 "in f32; pare quantize --split-residuals gives them some");
  }
}

std::vector<std::string> onnx_losses(const ir::Model& model, const WriteOptions& options) {
  int64_t sparse = 0, decoded = 0;
  for (const auto& entry : model.parameters.entries()) {
    const ir::Tensor& tensor = entry.tensor;
    if (tensor.is_sparse()) ++sparse;
    if (tensor.is_quantized() && !keeps_codes(tensor, options.opset)) ++decoded;
  }
  std::vector<std::string> out;
  if (sparse > 0) {
    out.push_back("ONNX has no sparse weights: " + tensors(sparse) + " stored with their zeros");
  }
  if (decoded > 0) {
    out.push_back("operator set " + std::to_string(options.opset) + " cannot hold the codes of " +
                  tensors(decoded) + ": stored as f32" +
                  (options.opset < 21 ? "; 21 holds 4-bit and grouped codes" : ""));
  }
  if (model.graphs.size() > 1) out.push_back("only the graph main is stored");
  if (!model.assets.empty()) out.push_back("assets are left out");
  return out;
}

}  // namespace pare::formats
