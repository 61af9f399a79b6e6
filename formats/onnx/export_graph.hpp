// SPDX-License-Identifier: Apache-2.0
// ir::Graph to GraphProto at a stated operator set. Annotated values become QuantizeLinear and
// DequantizeLinear pairs, quantized parameters initializers of codes with a DequantizeLinear: the
// form that ONNX Runtime turns into integer kernels.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "formats/onnx/tensor_sink.hpp"
#include "lib/ir/model.hpp"

namespace pare::onnx {
class GraphProto;
class NodeProto;
}  // namespace pare::onnx

namespace pare::formats {

// A node on its way out: names instead of ids, attributes still as the IR has them.
struct OutNode {
  std::string op;
  std::string name;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::map<std::string, ir::Attribute> attributes;
};

class GraphExport {
 public:
  GraphExport(const ir::Model& model, int opset, TensorSink& sink, onnx::GraphProto& out);
  // Throws Error(node, ...) on an operator that the operator set has no form for.
  void run();

  // For conversions of nodes to older operator sets.
  int opset() const { return opset_; }
  void emit(const OutNode& node);
  std::string ints(const std::string& stem, const std::vector<int64_t>& values);
  std::string scalar(const std::string& stem, float value);
  std::string fresh(const std::string& stem);
  // The contents of a parameter that an input names; throws Error when it is none.
  const ir::Tensor& constant(const OutNode& node, size_t input) const;
  bool has_input(const OutNode& node, size_t input) const {
    return input < node.inputs.size() && !node.inputs[input].empty();
  }
  const ir::Shape& shape(const std::string& name) const;

 private:
  void add_inputs();
  void add_node(const ir::Node& node);
  void add_outputs();
  std::string use(ir::ValueId id);
  std::string parameter(const std::string& name);
  std::string quantized_parameter(const std::string& name, const ir::Tensor& tensor);
  void emit_filled(const OutNode& node, onnx::NodeProto& proto);
  void quantize(const ir::Value& value, const std::string& from, const std::string& to);

  const ir::Model& model_;
  const ir::Graph& graph_;
  int opset_;
  TensorSink& sink_;
  onnx::GraphProto& out_;
  std::set<std::string> names_;
  std::map<std::string, std::string> parameters_;  // written: the name nodes use
  std::map<ir::ValueId, std::string> values_;      // what consumers of a value read
  std::map<std::string, ir::ValueId> origin_;      // and the value behind such a name
};

// How a quantized tensor is stored: as it is, as codes of another form, or as f32.
bool keeps_codes(const ir::Tensor& tensor, int opset);

}  // namespace pare::formats
