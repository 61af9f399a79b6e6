// SPDX-License-Identifier: Apache-2.0
#include "formats/onnx/export_graph.hpp"

#include <algorithm>

#include "formats/onnx/attributes.hpp"
#include "formats/onnx/downgrade.hpp"
#include "formats/onnx/dtypes.hpp"
#include "formats/onnx/onnx.pb.h"
#include "lib/core/error.hpp"

namespace pare::formats {

namespace {

using ir::DType;
using ir::Part;
using ir::Tensor;
using ir::ValueId;

void describe(onnx::ValueInfoProto& info, const ir::Value& value) {
  info.set_name(value.name);
  auto& type = *info.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx_type_of(value.dtype));
  auto& shape = *type.mutable_shape();
  for (const ir::Dim& dim : value.shape) {
    auto& out = *shape.add_dim();
    if (dim.known()) {
      out.set_dim_value(dim.size);
    } else {
      out.set_dim_param(dim.symbol);
    }
  }
}

Tensor dense_f32(const Tensor& tensor) { return Tensor::f32(tensor.dims(), ir::to_f32(tensor)); }

// Codes of every element, in their own type; elements that a sparse tensor leaves out are zeros.
Tensor dense_codes(const Tensor& tensor, const ir::Dims& dims) {
  const DType code = tensor.scheme()->code;
  if (!tensor.is_sparse()) return Tensor(code, dims, tensor.part(Part::kCodes)->buffer());
  const std::vector<int32_t> codes = ir::to_codes(tensor);
  if (code == DType::kI32) return Tensor::of<int32_t>(code, dims, codes);
  if (ir::info(code).bits == 4) {
    return Tensor(code, dims, ir::Buffer::heap(ir::pack_nibbles(codes)));
  }
  std::vector<uint8_t> bytes;
  for (const int32_t c : codes) bytes.push_back(static_cast<uint8_t>(c));
  return Tensor::of<uint8_t>(code, dims, bytes);
}

std::vector<float> group_scales(const Tensor& tensor) {
  std::vector<float> scales = ir::to_f32(*tensor.part(Part::kScales));
  const Tensor* super = tensor.part(Part::kSuperScales);
  if (!super) return scales;
  const std::vector<float> outer = ir::to_f32(*super);
  const auto group = static_cast<size_t>(tensor.scheme()->super_group);
  for (size_t i = 0; i < scales.size(); ++i) scales[i] *= outer[i / group];
  return scales;
}

// Zero points in the type of the codes; zeros when the scheme is symmetric.
Tensor zero_points(const Tensor& tensor, const ir::Dims& dims, size_t count) {
  std::vector<int32_t> zeros(count, 0);
  if (const Tensor* stored = tensor.part(Part::kZeroPoints)) {
    const std::vector<int64_t> values = ir::to_i64(*stored);
    std::transform(values.begin(), values.end(), zeros.begin(),
                   [](int64_t v) { return static_cast<int32_t>(v); });
  }
  const DType code = tensor.scheme()->code;
  if (code == DType::kI32) return Tensor::of<int32_t>(code, dims, zeros);
  if (ir::info(code).bits == 4) {
    return Tensor(code, dims, ir::Buffer::heap(ir::pack_nibbles(zeros)));
  }
  std::vector<uint8_t> bytes;
  for (const int32_t z : zeros) bytes.push_back(static_cast<uint8_t>(z));
  return Tensor::of<uint8_t>(code, dims, bytes);
}

// Attributes that ONNX wants as floats though the IR may hold an integer.
bool is_float_attribute(const std::string& key) {
  static const std::set<std::string> kFloats = {
      "alpha",      "beta", "epsilon", "momentum",      "gamma",
      "lambd",      "bias", "clip",    "cubic_coeff_a", "extrapolation_value",
      "value_float"};
  return kFloats.contains(key);
}

}  // namespace

bool keeps_codes(const Tensor& tensor, int opset) {
  const ir::QuantScheme& scheme = *tensor.scheme();
  if (scheme.codebook) return false;
  if (scheme.group_size > 0 && opset < 21) return false;
  if (ir::info(scheme.code).bits == 4) return opset >= 21;
  return scheme.code == DType::kI8 || scheme.code == DType::kU8 ||
         (scheme.code == DType::kI32 && scheme.symmetric);
}

GraphExport::GraphExport(const ir::Model& model, int opset, TensorSink& sink, onnx::GraphProto& out)
    : model_(model), graph_(model.main()), opset_(opset), sink_(sink), out_(out) {
  for (const ir::Value& value : graph_.values()) names_.insert(value.name);
}

void GraphExport::run() {
  out_.set_name(graph_.name);
  add_inputs();
  for (const ir::Node& node : graph_.nodes()) add_node(node);
  add_outputs();
}

std::string GraphExport::fresh(const std::string& stem) {
  std::string name = stem;
  for (int i = 1; !names_.insert(name).second; ++i) name = stem + "_" + std::to_string(i);
  return name;
}

std::string GraphExport::ints(const std::string& stem, const std::vector<int64_t>& values) {
  const std::string name = fresh(stem);
  sink_.store(name, Tensor::i64({static_cast<int64_t>(values.size())}, values),
              *out_.add_initializer());
  return name;
}

std::string GraphExport::scalar(const std::string& stem, float value) {
  const std::string name = fresh(stem);
  sink_.store(name, Tensor::f32({}, std::span(&value, 1)), *out_.add_initializer());
  return name;
}

const Tensor& GraphExport::constant(const OutNode& node, size_t input) const {
  const auto found = origin_.find(node.inputs.at(input));
  const std::string* parameter =
      found == origin_.end() ? nullptr : &graph_.value(found->second).parameter;
  if (!parameter || parameter->empty()) {
    throw Error(node.name, "input " + std::to_string(input) + " of " + node.op +
                               " is not constant, which this operator set needs");
  }
  return model_.parameters.at(*parameter);
}

const ir::Shape& GraphExport::shape(const std::string& name) const {
  const auto found = origin_.find(name);
  require(found != origin_.end(), "the shape of an exported value is known");
  return graph_.value(found->second).shape;
}

void GraphExport::add_inputs() {
  for (const ValueId id : graph_.inputs) {
    const ir::Value& value = graph_.value(id);
    describe(*out_.add_input(), value);
    values_[id] = value.name;
    if (value.quant) quantize(value, value.name, values_[id] = fresh(value.name + "_dequantized"));
    origin_[values_[id]] = id;
  }
}

void GraphExport::add_outputs() {
  for (const ValueId id : graph_.outputs) describe(*out_.add_output(), graph_.value(id));
}

// The name under which a node reads a value; parameters are written when first read.
std::string GraphExport::use(ValueId id) {
  if (!id.valid()) return {};
  const ir::Value& value = graph_.value(id);
  if (!value.parameter.empty()) values_[id] = parameter(value.parameter);
  origin_[values_.at(id)] = id;
  return values_.at(id);
}

std::string GraphExport::parameter(const std::string& name) {
  const auto known = parameters_.find(name);
  if (known != parameters_.end()) return known->second;
  const Tensor& tensor = model_.parameters.at(name);
  std::string used = name;
  if (tensor.is_quantized() && keeps_codes(tensor, opset_)) {
    used = quantized_parameter(name, tensor);
  } else if (tensor.dtype() == DType::kF16 || tensor.dtype() == DType::kBF16) {
    // Computed in f32, stored as it is.
    const std::string half = fresh(name + "_" + std::string(ir::name_of(tensor.dtype())));
    sink_.store(half, tensor, *out_.add_initializer());
    emit({.op = "Cast",
          .name = fresh(name + "_cast"),
          .inputs = {half},
          .outputs = {name},
          .attributes = {{"to", std::string("f32")}}});
  } else {
    sink_.store(name, tensor.is_plain() ? tensor : dense_f32(tensor), *out_.add_initializer());
  }
  return parameters_[name] = used;
}

std::string GraphExport::quantized_parameter(const std::string& name, const Tensor& tensor) {
  const ir::QuantScheme& scheme = *tensor.scheme();
  const std::vector<float> scales = group_scales(tensor);
  ir::Dims dims = tensor.dims(), groups;
  std::map<std::string, ir::Attribute> attributes;
  if (scheme.group_size > 0) {
    // Groups run along everything after the axis: two dimensions, as blocks have it.
    const ir::GroupGeometry g = ir::groups_of(tensor.dims(), scheme);
    dims = {g.rows, g.columns};
    groups = {g.rows, g.groups_per_row};
    attributes = {{"axis", int64_t{1}}, {"block_size", g.group_size}};
  } else if (scheme.axis >= 0) {
    groups = {static_cast<int64_t>(scales.size())};
    attributes = {{"axis", int64_t{scheme.axis}}};
  }
  OutNode node{.op = "DequantizeLinear",
               .name = fresh(name + "_dequantize"),
               .inputs = {},
               .outputs = {},
               .attributes = std::move(attributes)};
  const auto store = [&](const char* suffix, const Tensor& part) {
    node.inputs.push_back(fresh(name + suffix));
    sink_.store(node.inputs.back(), part, *out_.add_initializer());
  };
  store("_quantized", dense_codes(tensor, dims));
  store("_scale", Tensor::f32(groups, scales));
  store("_zero_point", zero_points(tensor, groups, scales.size()));
  const bool reshaped = dims != tensor.dims();
  node.outputs = {reshaped ? fresh(name + "_rows") : name};
  const std::string rows = node.outputs.front();
  emit(node);
  if (!reshaped) return name;
  emit({.op = "Reshape",
        .name = fresh(name + "_reshape"),
        .inputs = {rows, ints(name + "_dims", tensor.dims())},
        .outputs = {name},
        .attributes = {}});
  return name;
}

// from -> QuantizeLinear -> DequantizeLinear -> to
void GraphExport::quantize(const ir::Value& value, const std::string& from, const std::string& to) {
  const ir::ActivationQuant& quant = *value.quant;
  const std::string scale = scalar(value.name + "_scale", quant.scale);
  const std::string zero = fresh(value.name + "_zero_point");
  const auto code = static_cast<uint8_t>(quant.zero_point);
  sink_.store(zero, Tensor::of<uint8_t>(quant.code, {}, std::span(&code, 1)),
              *out_.add_initializer());
  const std::string codes = fresh(value.name + "_quantized");
  emit({.op = "QuantizeLinear",
        .name = fresh(value.name + "_quantize"),
        .inputs = {from, scale, zero},
        .outputs = {codes},
        .attributes = {}});
  emit({.op = "DequantizeLinear",
        .name = fresh(value.name + "_dequantize"),
        .inputs = {codes, scale, zero},
        .outputs = {to},
        .attributes = {}});
}

void GraphExport::add_node(const ir::Node& node) {
  OutNode out{
      .op = node.op, .name = node.name, .inputs = {}, .outputs = {}, .attributes = node.attributes};
  for (const ValueId id : node.inputs) out.inputs.push_back(use(id));
  std::vector<ValueId> quantized;
  for (const ValueId id : node.outputs) {
    const ir::Value& value = graph_.value(id);
    std::string name = value.name;
    values_[id] = name;
    if (value.quant) {
      // A graph output keeps its name for what the graph hands out.
      const bool visible = std::ranges::find(graph_.outputs, id) != graph_.outputs.end();
      if (visible) name = fresh(value.name + "_unquantized");
      if (!visible) values_[id] = fresh(value.name + "_dequantized");
      quantized.push_back(id);
    }
    out.outputs.push_back(name);
    origin_[name] = id;
    origin_[values_[id]] = id;
  }
  const std::vector<std::string> names = out.outputs;
  emit_for_opset(std::move(out), *this);
  for (const ValueId id : quantized) {
    const auto at = static_cast<size_t>(std::ranges::find(node.outputs, id) - node.outputs.begin());
    quantize(graph_.value(id), names[at], values_[id]);
  }
}

void GraphExport::emit(const OutNode& node) {
  auto& proto = *out_.add_node();
  if (node.op == "ConstantOfShape") return emit_filled(node, proto);
  proto.set_op_type(node.op);
  proto.set_name(node.name);
  for (const std::string& input : node.inputs) proto.add_input(input);
  for (const std::string& output : node.outputs) proto.add_output(output);
  for (const auto& [key, value] : node.attributes) {
    const auto* integer = std::get_if<int64_t>(&value);
    const auto* text = std::get_if<std::string>(&value);
    const bool dtype = (key == "to" || key == "dtype") && text != nullptr;
    if (dtype) {
      set_attribute(proto, key, int64_t{onnx_type_of(*ir::dtype_from_name(*text))});
    } else if (integer && is_float_attribute(key)) {
      set_attribute(proto, key, static_cast<double>(*integer));
    } else {
      set_attribute(proto, key, value);
    }
  }
}

// The number and the type's name become a tensor of one element.
void GraphExport::emit_filled(const OutNode& node, onnx::NodeProto& proto) {
  proto.set_op_type(node.op);
  proto.set_name(node.name);
  proto.add_input(node.inputs.at(0));
  proto.add_output(node.outputs.at(0));
  auto& attribute = *proto.add_attribute();
  attribute.set_name("value");
  attribute.set_type(onnx::AttributeProto::TENSOR);
  auto& fill = *attribute.mutable_t();
  fill.add_dims(1);
  const auto type = node.attributes.find("dtype");
  const auto* name =
      type == node.attributes.end() ? nullptr : std::get_if<std::string>(&type->second);
  const DType dtype = name ? ir::dtype_from_name(*name).value_or(DType::kF32) : DType::kF32;
  fill.set_data_type(onnx_type_of(dtype));
  const auto value = node.attributes.find("value");
  const auto* real = value == node.attributes.end() ? nullptr : std::get_if<double>(&value->second);
  const auto* whole =
      value == node.attributes.end() ? nullptr : std::get_if<int64_t>(&value->second);
  const double number = real ? *real : whole ? static_cast<double>(*whole) : 0;
  if (dtype == DType::kF32) {
    fill.add_float_data(static_cast<float>(number));
  } else if (dtype == DType::kI64) {
    fill.add_int64_data(whole ? *whole : static_cast<int64_t>(number));
  } else {
    fill.add_int32_data(static_cast<int32_t>(number));
  }
}

}  // namespace pare::formats
