// SPDX-License-Identifier: Apache-2.0
#include "formats/onnx/quantized_import.hpp"

#include <algorithm>

#include "formats/onnx/quantized_tensors.hpp"
#include "lib/core/error.hpp"

namespace pare::formats {

namespace {

using ir::DType;
using ir::ValueId;

constexpr const char* kMicrosoft = "com.microsoft";

// Operators on codes. Each operand is a triple codes, scale, zero point; so is the output, without
// the codes.
struct Row {
  std::string_view domain, op;
  std::string_view becomes;
  size_t operands;  // inputs 0, 3, ... are the first of a triple
  size_t output;    // its scale and zero point
  int bias;         // input with i32 codes, -1: none
};

constexpr Row kRows[] = {
    {"", "QLinearConv", "Conv", 2, 6, 8},
    {"", "QLinearMatMul", "MatMul", 2, 6, -1},
    {kMicrosoft, "QGemm", "Gemm", 2, 7, 6},
    {kMicrosoft, "QLinearAdd", "Add", 2, 6, -1},
    {kMicrosoft, "QLinearMul", "Mul", 2, 6, -1},
    {kMicrosoft, "QLinearGlobalAveragePool", "GlobalAveragePool", 1, 3, -1},
    {kMicrosoft, "QLinearAveragePool", "AveragePool", 1, 3, -1},
    {kMicrosoft, "QLinearSigmoid", "Sigmoid", 1, 3, -1},
    {kMicrosoft, "QLinearLeakyRelu", "LeakyRelu", 1, 3, -1},
};

const Row* find_row(const std::string& domain, const std::string& op) {
  const auto row =
      std::ranges::find_if(kRows, [&](const Row& r) { return r.domain == domain && r.op == op; });
  return row == std::end(kRows) ? nullptr : row;
}

int64_t number(const QuantizedNode& node, const std::string& key, int64_t fallback) {
  const auto found = node.attributes.find(key);
  if (found == node.attributes.end()) return fallback;
  const auto* value = std::get_if<int64_t>(&found->second);
  if (!value) throw Error(node.name, "attribute " + key + " should be an integer");
  return *value;
}

std::string without_suffix(std::string name) {
  for (const std::string_view suffix : {"_quantized", "_codes"}) {
    if (name.ends_with(suffix)) name.resize(name.size() - suffix.size());
  }
  return name;
}

}  // namespace

bool QuantizedImport::handles(const std::string& domain, const std::string& op) {
  // ONNX Runtime also writes its own copies of the two.
  const bool pair = op == "QuantizeLinear" || op == "DequantizeLinear";
  if (pair && (domain.empty() || domain == kMicrosoft)) return true;
  return (domain == kMicrosoft && op == "QLinearConcat") || find_row(domain, op) != nullptr;
}

Bound QuantizedImport::add(const QuantizedNode& node) {
  check_inputs(node);
  if (node.op == "QuantizeLinear") return quantize(node);
  if (node.op == "DequantizeLinear") return dequantize(node);
  if (node.op == "QLinearConcat") return concat(node);
  return on_codes(node);
}

// Operands and their scales are there; zero points and biases may be missing.
void QuantizedImport::check_inputs(const QuantizedNode& node) {
  const Row* row = find_row(node.domain, node.op);
  const size_t operands = row ? row->operands : 1;
  const size_t first = node.op == "QLinearConcat" ? 2 : 0;
  bool complete = node.inputs.size() >= first + 3 * operands - (row ? 0 : 1);
  for (size_t i = 0; complete && i < operands; ++i) {
    complete = node.inputs[first + 3 * i].id.valid() && node.inputs[first + 3 * i + 1].id.valid();
  }
  if (!complete) throw Error(node.name, node.op + " lacks inputs");
}

const ir::Tensor& QuantizedImport::constant(const QuantizedNode& node, size_t at,
                                            const char* what) const {
  const ir::Tensor* tensor =
      at < node.inputs.size() ? graph_.constant(node.inputs[at].id) : nullptr;
  if (!tensor) throw Error(node.name, std::string(what) + " of " + node.op + " is not constant");
  return *tensor;
}

// Scale at input `at`, zero point after it.
ir::ActivationQuant QuantizedImport::quant_of(const QuantizedNode& node, size_t at) {
  const ir::Tensor& scale = constant(node, at, "the scale");
  if (scale.count() != 1) throw Error(node.name, "activations with several scales");
  ir::ActivationQuant quant{.scale = ir::to_f32(scale).front()};
  if (at + 1 < node.inputs.size() && node.inputs[at + 1].id.valid()) {
    const ir::Tensor& zero = constant(node, at + 1, "the zero point");
    quant.code = zero.dtype();
    if (zero.count() != 1) throw Error(node.name, "activations with several zero points");
    quant.zero_point = static_cast<int32_t>(ir::to_i64(zero, node.name).front());
  }
  if (quant.code != DType::kU8 && quant.code != DType::kI8) {
    throw Error(node.name, "activation codes of type " + std::string(ir::name_of(quant.code)));
  }
  return quant;
}

Bound QuantizedImport::annotated(ValueId id, const ir::ActivationQuant& quant) {
  graph_.graph().value(id).quant = quant;
  return {.id = id, .codes = quant};
}

Bound QuantizedImport::quantize(const QuantizedNode& node) {
  const ValueId x = node.inputs.at(0).id;
  if (const ir::Tensor* values = graph_.constant(x)) {
    const bool has_zero = node.inputs.size() > 2 && node.inputs[2].id.valid();
    const ir::Tensor* zero = has_zero ? &constant(node, 2, "the zero point") : nullptr;
    const int64_t axis = number(node, "axis", 1);
    ir::Tensor codes =
        quantized_codes(*values, constant(node, 1, "the scale"), zero, axis, node.name);
    return {.id = graph_.parameter(graph_.graph().value(x).name + "_quantized", std::move(codes)),
            .codes = std::nullopt};
  }
  const ir::ActivationQuant quant = quant_of(node, 1);
  const auto& held = graph_.graph().value(x).quant;
  if (held ? *held == quant : node.only_quantized) return annotated(x, quant);
  // Someone reads the value as it is: the codes are those of a copy.
  return annotated(graph_.add_kept("Identity", x, node.output), quant);
}

std::string QuantizedImport::name_of_codes(ValueId id) const {
  return without_suffix(graph_.graph().value(id).name);
}

Bound QuantizedImport::dequantize(const QuantizedNode& node) {
  const Bound& x = node.inputs.at(0);
  if (const ir::Tensor* codes = graph_.constant(x.id)) {
    const bool has_zero = node.inputs.size() > 2 && node.inputs[2].id.valid();
    const ir::Tensor* zero = has_zero ? &constant(node, 2, "the zero point") : nullptr;
    ir::Tensor tensor =
        dequantized(*codes, constant(node, 1, "the scale"), zero, number(node, "axis", 1),
                    number(node, "block_size", 0), node.name);
    return {.id = graph_.parameter(name_of_codes(x.id), std::move(tensor)), .codes = {}};
  }
  return {.id = operand(node, 0), .codes = {}};
}

// The value whose codes are input `at`, with scale and zero point after it.
ValueId QuantizedImport::operand(const QuantizedNode& node, size_t at) {
  const Bound& x = node.inputs.at(at);
  const ir::ActivationQuant quant = quant_of(node, at + 1);
  ir::Value& value = graph_.graph().value(x.id);
  if (x.codes) {
    if (*x.codes == quant) return x.id;
    throw Error(node.name, "reads codes of " + escaped(value.name) + " with another scale");
  }
  const auto& inputs = graph_.graph().inputs;
  const bool input = std::ranges::find(inputs, x.id) != inputs.end();
  if (input && value.dtype == quant.code) {
    value.dtype = DType::kF32;
    note_("input " + escaped(value.name) + " takes real values instead of their codes");
    value.quant = quant;
    return x.id;
  }
  if (input && value.quant && *value.quant == quant) return x.id;
  throw Error(node.name, node.op + " of integers that are no codes of a value");
}

ValueId QuantizedImport::weight(const QuantizedNode& node, size_t at) {
  const bool conv = node.op == "QLinearConv";
  const bool transposed = number(node, "transB", 0) != 0;
  const ValueId codes = node.inputs.at(at).id;
  ir::Tensor tensor = dequantized(
      constant(node, at, "the weight"), constant(node, at + 1, "the scale"),
      &constant(node, at + 2, "the zero point"), conv || transposed ? 0 : 1, 0, node.name);
  return graph_.parameter(name_of_codes(codes), std::move(tensor));
}

// i32 codes in the scale of the products: s_a * s_w[c].
ValueId QuantizedImport::bias(const QuantizedNode& node, size_t at) {
  const ir::Tensor& codes = constant(node, at, "the bias");
  const float input_scale = ir::to_f32(constant(node, 1, "the scale")).front();
  std::vector<float> scales = ir::to_f32(constant(node, 4, "the scale"));
  if (scales.size() == 1) scales.assign(static_cast<size_t>(codes.count()), scales.front());
  for (float& scale : scales) scale = input_scale * scale;
  const ir::Tensor scale = ir::Tensor::f32({static_cast<int64_t>(scales.size())}, scales);
  return graph_.parameter(name_of_codes(node.inputs[at].id),
                          dequantized(codes, scale, nullptr, 0, 0, node.name));
}

Bound QuantizedImport::on_codes(const QuantizedNode& node) {
  const Row& row = *find_row(node.domain, node.op);
  ir::Node out{.op = std::string(row.becomes), .name = node.name, .inputs = {}, .outputs = {}};
  for (size_t i = 0; i < row.operands; ++i) {
    const bool is_constant = graph_.constant(node.inputs.at(3 * i).id) != nullptr;
    out.inputs.push_back(is_constant ? weight(node, 3 * i) : operand(node, 3 * i));
  }
  const auto at = static_cast<size_t>(row.bias);
  if (row.bias >= 0 && at < node.inputs.size() && node.inputs[at].id.valid()) {
    out.inputs.push_back(bias(node, at));
  }
  out.attributes = node.attributes;
  if (number(node, "channels_last", 0) != 0) {
    throw Error(node.name, node.op + " with channels last");
  }
  out.attributes.erase("channels_last");
  const ValueId id = graph_.add(std::move(out), {node.output}).front();
  const bool to_float = node.op == "QGemm" && node.inputs.size() <= row.output;
  if (to_float) return {.id = id, .codes = {}};
  return annotated(id, quant_of(node, row.output));
}

// Output scale and zero point come first, then a triple an input.
Bound QuantizedImport::concat(const QuantizedNode& node) {
  ir::Node out{.op = "Concat", .name = node.name, .inputs = {}, .outputs = {}};
  for (size_t i = 2; i + 2 < node.inputs.size(); i += 3) {
    const bool is_constant = graph_.constant(node.inputs[i].id) != nullptr;
    out.inputs.push_back(is_constant ? weight(node, i) : operand(node, i));
  }
  out.attributes = node.attributes;
  const ValueId id = graph_.add(std::move(out), {node.output}).front();
  return annotated(id, quant_of(node, 0));
}

Bound QuantizedImport::moved(const Bound& input, ValueId output) {
  return annotated(output, *input.codes);
}

void QuantizedImport::check_biases() {
  ir::Graph& graph = graph_.graph();
  for (const ir::Node& node : graph.nodes()) {
    if ((node.op != "Conv" && node.op != "Gemm") || node.inputs.size() < 3) continue;
    const ir::Tensor* weight = graph_.constant(node.inputs[1]);
    const ir::Tensor* bias = graph_.constant(node.inputs[2]);
    const auto& quant = graph.value(node.inputs[0]).quant;
    const bool codes = bias && bias->is_quantized() && bias->scheme()->code == DType::kI32;
    if (!codes || !quant || !weight || !weight->is_quantized()) continue;
    std::vector<float> expected = ir::to_f32(*weight->part(ir::Part::kScales));
    const std::vector<float> scales = ir::to_f32(*bias->part(ir::Part::kScales));
    const auto count = static_cast<size_t>(bias->count());
    bool agree = true;
    for (size_t c = 0; c < count; ++c) {
      const float product = quant->scale * expected[expected.size() == 1 ? 0 : c % expected.size()];
      agree = agree && scales[scales.size() == 1 ? 0 : c] == product;
    }
    if (agree) continue;
    const std::string& name = graph.value(node.inputs[2]).parameter;
    graph_.model().parameters.set(name, ir::Tensor::f32(bias->dims(), ir::to_f32(*bias)));
  }
}

}  // namespace pare::formats
