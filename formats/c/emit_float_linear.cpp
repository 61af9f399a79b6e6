// SPDX-License-Identifier: Apache-2.0
// Conv, Gemm and MatMul in floats. A weight that the model holds as 8- or 4-bit codes stays so in
// flash and is decoded one output channel at a time; everything else is written as floats.
#include "formats/c/steps.hpp"
#include "lib/core/error.hpp"
#include "lib/runtime/kernels/geometry.hpp"

namespace pare::formats::c {

namespace {

using runtime::MatrixProduct;
using runtime::StepSpec;

// [out, in...]: whether the weight's rows are output channels as stored.
bool rows_are_channels(const StepSpec& spec) {
  return spec.node.op == "Conv" || runtime::matrix_geometry(spec).transposed_b;
}

// Whether a weight can stay packed: plain 8- or 4-bit codes, scales along the output channels.
bool packs(const StepSpec& spec) {
  const runtime::Operand& weight = spec.input(1);
  if (!weight.constant || !weight.constant->is_quantized() || !rows_are_channels(spec))
    return false;
  const ir::QuantScheme& scheme = *weight.constant->scheme();
  const int bits = ir::info(scheme.code).bits;
  return (bits == 8 || bits == 4) && !scheme.codebook && scheme.axis <= 0;
}

void refuse(const StepSpec& spec, const std::string& what) {
  throw Error(spec.name, spec.node.op + " with " + what + " cannot be written as C source");
}

// Matrix products of a constant [depth, columns] or transposed, by rows of one item.
MatrixProduct product_of(const StepSpec& spec) {
  if (!spec.input(1).constant) refuse(spec, "a weight that is not constant");
  if (spec.input(1).dims.size() != 2) refuse(spec, "a weight that is not a matrix");
  if (spec.node.op == "MatMul" && spec.input(0).dims.empty()) refuse(spec, "a scalar");
  const MatrixProduct g = runtime::matrix_geometry(spec);
  if (g.transposed_a && g.rows > 1) refuse(spec, "a transposed input");
  return g;
}

std::vector<float> float_weight(const StepSpec& spec) {
  std::vector<float> values = ir::to_f32(*spec.input(1).constant);
  if (rows_are_channels(spec)) return values;
  const MatrixProduct g = runtime::matrix_geometry(spec);
  std::vector<float> out(values.size());
  for (int64_t k = 0; k < g.depth; ++k) {
    for (int64_t c = 0; c < g.columns; ++c) {
      out[static_cast<size_t>(c * g.depth + k)] = values[static_cast<size_t>(k * g.columns + c)];
    }
  }
  return out;
}

// Unsigned codes with `offset` added to signed ones, two a byte when they have 4 bits.
std::vector<uint8_t> stored_codes(const std::vector<int32_t>& codes, int bits, int32_t offset) {
  std::vector<uint8_t> out(bits == 8 ? codes.size() : codes.size() / 2 + codes.size() % 2, 0);
  for (size_t i = 0; i < codes.size(); ++i) {
    const auto code = static_cast<uint32_t>(codes[i] + offset);
    if (bits == 8) {
      out[i] = static_cast<uint8_t>(code);
    } else {
      out[i / 2] = static_cast<uint8_t>(out[i / 2] | (i % 2 == 0 ? code : code << 4U));
    }
  }
  return out;
}

std::vector<float> scales_of(const ir::Tensor& weight) {
  std::vector<float> scales = ir::to_f32(*weight.part(ir::Part::kScales));
  const int64_t super_group = weight.scheme()->super_group;
  if (super_group == 0) return scales;
  const std::vector<float> super = ir::to_f32(*weight.part(ir::Part::kSuperScales));
  for (size_t i = 0; i < scales.size(); ++i)
    scales[i] *= super[i / static_cast<size_t>(super_group)];
  return scales;
}

// Zero points with the offset of the codes; throws when one is outside the codes' range.
std::vector<uint8_t> zero_points_of(const StepSpec& spec, const ir::Tensor& weight,
                                    int32_t offset) {
  if (weight.scheme()->symmetric) return {};
  std::vector<uint8_t> out;
  for (const int64_t zero : ir::to_i64(*weight.part(ir::Part::kZeroPoints))) {
    if (zero + offset < 0 || zero + offset > 255) refuse(spec, "a zero point outside the codes");
    out.push_back(static_cast<uint8_t>(zero + offset));
  }
  return out;
}

struct Packed {
  std::string record;
  std::string decode;  // the kernel
};

Packed emit_packed(const Step& step, Source& source) {
  const int bits = ir::info(step.spec.input(1).constant->scheme()->code).bits;
  const std::string decode = bits == 8 ? "decode_i8" : "decode_i4";
  source.use(decode);
  return {emit_packed_weight(step, source), decode};
}

// The bias of each output channel, `factor` included; "0" when there is none.
std::string emit_bias(const Step& step, Source& source, int64_t channels, float factor) {
  if (!step.spec.has_input(2)) return "0";
  const runtime::Operand& operand = step.spec.input(2);
  if (!operand.constant) refuse(step.spec, "a bias that is not constant");
  std::vector<float> bias = ir::to_f32(*operand.constant);
  const bool for_all = bias.size() == 1;
  if (for_all) bias.assign(static_cast<size_t>(channels), bias.front());
  if (static_cast<int64_t>(bias.size()) != channels ||
      (!for_all && operand.dims.back() != channels)) {
    refuse(step.spec, "a bias that differs between rows");
  }
  for (float& b : bias) b *= factor;
  return source.array(step.name + "_bias", std::span<const float>(bias));
}

std::string emit_float_weight(const Step& step, Source& source) {
  const std::vector<float> values = float_weight(step.spec);
  return source.array(step.name + "_weight", std::span<const float>(values));
}

void emit_conv(const Step& step, Source& source) {
  if (!step.spec.input(1).constant) refuse(step.spec, "a weight that is not constant");
  const std::string window = emit_window(step, source);
  const std::string bias = emit_bias(step, source, step.spec.output().dims.at(1), 1.0F);
  std::vector<std::string> arguments = {window, step.in(0)};
  if (packs(step.spec)) {
    const Packed packed = emit_packed(step, source);
    arguments.insert(arguments.end(), {packed.record, packed.decode});
  } else {
    arguments.push_back(emit_float_weight(step, source));
  }
  arguments.insert(arguments.end(),
                   {bias, literal(step.spec.clamp.low), literal(step.spec.clamp.high),
                    step.residual(), step.scratch, step.out()});
  source.call(packs(step.spec) ? "conv_f32_packed" : "conv_f32", arguments);
}

void emit_product(const Step& step, Source& source) {
  const MatrixProduct g = product_of(step.spec);
  std::vector<std::string> arguments = {literal(g.rows), literal(g.depth), literal(g.columns),
                                        step.in(0)};
  if (packs(step.spec)) {
    const Packed packed = emit_packed(step, source);
    arguments.insert(arguments.end(), {packed.record, packed.decode, step.scratch});
  } else {
    arguments.push_back(emit_float_weight(step, source));
  }
  const std::vector<std::string> end = {literal(g.alpha),
                                        emit_bias(step, source, g.columns, g.beta),
                                        literal(step.spec.clamp.low),
                                        literal(step.spec.clamp.high),
                                        step.residual(),
                                        step.out()};
  arguments.insert(arguments.end(), end.begin(), end.end());
  source.call(packs(step.spec) ? "dense_f32_packed" : "dense_f32", arguments);
}

}  // namespace

std::string emit_packed_weight(const Step& step, Source& source) {
  const ir::Tensor& weight = *step.spec.input(1).constant;
  const ir::QuantScheme& scheme = *weight.scheme();
  const ir::DTypeInfo& code = ir::info(scheme.code);
  const ir::GroupGeometry groups = ir::groups_of(weight.dims(), scheme);
  const int64_t rows = weight.dims().front();
  // The kernels' zero without zero points is the middle of the range.
  const int32_t middle = code.bits == 8 ? 128 : 8;
  const int32_t offset = code.is_signed ? middle : 0;
  std::vector<uint8_t> zeros = zero_points_of(step.spec, weight, offset);
  std::vector<float> scales = scales_of(weight);
  int64_t group_size = groups.group_size;
  if (scheme.axis < 0) {  // one scale for all: one a row, as the kernel reads them
    scales.assign(static_cast<size_t>(rows), scales.front());
    if (!zeros.empty()) zeros.assign(static_cast<size_t>(rows), zeros.front());
    group_size = weight.count() / rows;
  }
  if (zeros.empty() && !code.is_signed) zeros.assign(scales.size(), 0);
  const std::vector<uint8_t> codes = stored_codes(ir::to_codes(weight), code.bits, offset);
  const std::string codes_name =
      source.array(step.name + "_codes", std::span<const uint8_t>(codes));
  const std::string scales_name =
      source.array(step.name + "_scales", std::span<const float>(scales));
  const std::string zeros_name =
      zeros.empty() ? "0" : source.array(step.name + "_zeros", std::span<const uint8_t>(zeros));
  return source.record("packed_weight", step.name + "_packed",
                       {{"codes", codes_name},
                        {"scales", scales_name},
                        {"zero_points", zeros_name},
                        {"columns", literal(weight.count() / rows)},
                        {"group_size", literal(group_size)}},
                       5);
}

void emit_float_linear(const Step& step, Source& source) {
  return step.spec.node.op == "Conv" ? emit_conv(step, source) : emit_product(step, source);
}

int64_t packed_row(const StepSpec& spec) {
  if (spec.input(1).count() == 0 || spec.input(1).dims.size() < 2 || !packs(spec)) return 0;
  return spec.input(1).count() / spec.input(1).dims.front();
}

}  // namespace pare::formats::c
