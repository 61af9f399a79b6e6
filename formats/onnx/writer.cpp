// SPDX-License-Identifier: Apache-2.0
#include <exception>
#include <limits>

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "formats/onnx/export_graph.hpp"
#include "formats/onnx/metadata.hpp"
#include "formats/onnx/onnx.pb.h"
#include "formats/onnx/onnx_format.hpp"
#include "lib/core/error.hpp"

namespace pare::formats {

namespace {

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

// Keeps what goes wrong: protobuf's streams write once more when they are destroyed.
class ToFile : public google::protobuf::io::CopyingOutputStream {
 public:
  explicit ToFile(OutputFile& file) : file_(file) {}
  bool Write(const void* data, int size) override {
    try {
      if (!failure_) {
        file_.write(std::span(static_cast<const std::byte*>(data), static_cast<size_t>(size)));
      }
    } catch (...) {
      failure_ = std::current_exception();
    }
    return !failure_;
  }
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  OutputFile& file_;
  std::exception_ptr failure_;
};

// The same model gives the same bytes. Weights are held once in the message, not once more as text.
void serialize(const onnx::ModelProto& proto, const std::string& path, OutputFile& file) {
  if (proto.ByteSizeLong() > static_cast<size_t>(std::numeric_limits<int>::max())) {
    throw Error(path, "is larger than 2 GB");
  }
  ToFile target(file);
  bool whole = false;
  {
    google::protobuf::io::CopyingOutputStreamAdaptor stream(&target);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    whole = proto.SerializeToCodedStream(&coded);
  }
  target.rethrow();
  require(whole, "an ONNX message is serialized");
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

void write_onnx(const ir::Model& model, const std::string& path, const WriteOptions& options,
                int64_t most_inside) {
  check(model, path, options);
  OutputFile file(path);
  const bool external = written_bytes(model, options.opset) > most_inside;
  TensorSink sink(path, external ? Placement::kBeside : Placement::kInside);
  onnx::ModelProto proto;
  proto.set_ir_version(ir_version(options.opset));
  proto.set_producer_name("pare");
  proto.set_producer_version(PARE_VERSION);
  auto& set = *proto.add_opset_import();
  set.set_domain("");
  set.set_version(options.opset);
  GraphExport(model, options.opset, sink, *proto.mutable_graph()).run();
  set_metadata(proto, model.metadata);
  sink.finish(*proto.mutable_graph());
  serialize(proto, path, file);
  file.sync();
  sink.commit();
  file.commit();
  sink.remove_others();
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
