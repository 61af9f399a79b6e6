// SPDX-License-Identifier: Apache-2.0
// Quantized files have QuantizeLinear and DequantizeLinear nodes (QDQ) or operators on codes
// (QLinearConv, ...: QOperator); the IR has neither. Both become the same: values annotated with
// their quantization, weights and biases stored as codes, and the operator itself.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "formats/onnx/graph_editor.hpp"

namespace pare::formats {

// What a name of the file stands for: a value or, with `codes`, the integer codes of that value.
struct Bound {
  ir::ValueId id;
  std::optional<ir::ActivationQuant> codes;
};

// A node of the file with its inputs looked up.
struct QuantizedNode {
  std::string op, domain, name;
  std::vector<Bound> inputs;
  std::map<std::string, ir::Attribute> attributes;
  std::string output;
  bool only_quantized = false;  // whatever else reads input 0 quantizes it the same way
};

class QuantizedImport {
 public:
  QuantizedImport(GraphEditor& graph, std::function<void(const std::string&)> note)
      : graph_(graph), note_(std::move(note)) {}

  static bool handles(const std::string& domain, const std::string& op);
  // What the node's output stands for. Throws Error(node.name, ...) on parameters that are not
  // constant and on codes the IR has no form for.
  Bound add(const QuantizedNode& node);
  // An operator that only moves elements, on codes: the same on the value they stand for.
  Bound moved(const Bound& input, ir::ValueId output);
  // Biases are i32 codes in the scale of their products; others become floats. Once, at the end.
  void check_biases();

 private:
  static void check_inputs(const QuantizedNode& node);
  Bound quantize(const QuantizedNode& node);
  Bound dequantize(const QuantizedNode& node);
  Bound on_codes(const QuantizedNode& node);
  Bound concat(const QuantizedNode& node);
  ir::ValueId operand(const QuantizedNode& node, size_t at);
  ir::ActivationQuant quant_of(const QuantizedNode& node, size_t at);
  Bound annotated(ir::ValueId id, const ir::ActivationQuant& quant);
  ir::ValueId weight(const QuantizedNode& node, size_t at);
  ir::ValueId bias(const QuantizedNode& node, size_t at);
  const ir::Tensor& constant(const QuantizedNode& node, size_t at, const char* what) const;
  std::string name_of_codes(ir::ValueId id) const;

  GraphEditor& graph_;
  std::function<void(const std::string&)> note_;
};

}  // namespace pare::formats
