// SPDX-License-Identifier: Apache-2.0
// Operators of one tensor, element by element, and those that do nothing when a model is used.
#include <array>
#include <cmath>
#include <limits>

#include "formats/torchscript/operators.hpp"

namespace pare::formats::torchscript {

namespace {

using ir::ValueId;

template <const char* kOp>
Value same_name(const Call& call) {
  return call.emit.put(kOp, {call.floating("self")});
}

// For operators that integers have as well.
template <const char* kOp>
Value of_numbers(const Call& call) {
  return call.emit.put(kOp, {call.tensor("self")});
}

constexpr char kAbs[] = "Abs", kNeg[] = "Neg", kSign[] = "Sign", kRelu[] = "Relu";
constexpr char kNot[] = "Not", kIsNan[] = "IsNaN", kIsInf[] = "IsInf";
constexpr char kSigmoid[] = "Sigmoid", kTanh[] = "Tanh", kExp[] = "Exp", kLog[] = "Log",
               kSqrt[] = "Sqrt", kErf[] = "Erf", kFloor[] = "Floor", kCeil[] = "Ceil",
               kReciprocal[] = "Reciprocal", kSin[] = "Sin", kCos[] = "Cos", kTan[] = "Tan",
               kAsin[] = "Asin", kAcos[] = "Acos", kAtan[] = "Atan", kSinh[] = "Sinh",
               kCosh[] = "Cosh", kAsinh[] = "Asinh", kAcosh[] = "Acosh", kAtanh[] = "Atanh",
               kSilu[] = "Swish", kMish[] = "Mish", kHardSwish[] = "HardSwish", kSelu[] = "Selu";

Value clipped(const Call& call, double low, double high) {
  const ValueId x = call.tensor("self");
  const ir::DType dtype = call.emit.dtype(x);
  constexpr double kNone = std::numeric_limits<double>::infinity();
  if (low == -kNone && high == kNone) return x;
  std::vector<ValueId> inputs{x, low == -kNone ? ValueId{} : call.emit.scalar(low, dtype)};
  if (high != kNone) inputs.push_back(call.emit.scalar(high, dtype));
  return call.emit.put("Clip", inputs);
}

Value clamp(const Call& call) {
  constexpr double kNone = std::numeric_limits<double>::infinity();
  return clipped(call, call.number("min", -kNone), call.number("max", kNone));
}
Value hardtanh(const Call& call) {
  return clipped(call, call.number("min_val"), call.number("max_val"));
}
Value relu6(const Call& call) { return clipped(call, 0, 6); }

Value leaky_relu(const Call& call) {
  return call.emit.put("LeakyRelu", {call.floating("self")},
                       {{"alpha", call.number("negative_slope", 0.01)}});
}

Value elu(const Call& call) {
  if (call.number("scale", 1) != 1 || call.number("input_scale", 1) != 1) {
    call.refuse("is supported with scale and input_scale 1");
  }
  return call.emit.put("Elu", {call.floating("self")}, {{"alpha", call.number("alpha", 1)}});
}
Value celu(const Call& call) {
  return call.emit.put("Celu", {call.floating("self")}, {{"alpha", call.number("alpha", 1)}});
}

Value hardsigmoid(const Call& call) {
  return call.emit.put("HardSigmoid", {call.floating("self")}, {{"alpha", 1.0 / 6}, {"beta", 0.5}});
}

Value gelu(const Call& call) {
  const std::string form = call.has("approximate") ? call.text("approximate") : "none";
  return call.emit.put("Gelu", {call.floating("self")}, {{"approximate", form}});
}

// Slope by channel, dimension 1.
Value prelu(const Call& call) {
  const ValueId x = call.floating("self");
  ValueId slope = call.tensor("weight");
  const int rank = call.emit.rank(x);
  if (const ir::Shape& shape = call.emit.shape(slope);
      shape.size() == 1 && shape[0] != ir::Dim(1) && rank > 2) {
    ir::Shape wide{shape[0]};
    wide.resize(static_cast<size_t>(rank - 1), ir::Dim(1));
    slope = call.emit.reshape(slope, wide);
  }
  return call.emit.put("PRelu", {x, slope});
}

Value threshold(const Call& call) {
  if (call.number("threshold") != 0 || call.number("value") != 0) {
    call.refuse("is supported with threshold and value 0");
  }
  return call.emit.put("Relu", {call.tensor("self")});
}

Value softplus(const Call& call) {
  const double beta = call.number("beta", 1);
  const ValueId x = call.floating("self");
  // Above `threshold` PyTorch returns x itself, which softplus is by then to the last digit.
  if (beta == 1) return call.emit.put("Softplus", {x});
  const ValueId scale = call.emit.scalar(beta);
  return call.emit.put("Div",
                       {call.emit.put("Softplus", {call.emit.put("Mul", {x, scale})}), scale});
}

Value log_sigmoid(const Call& call) {
  const ValueId negative = call.emit.put("Neg", {call.floating("self")});
  return call.emit.put("Neg", {call.emit.put("Softplus", {negative})});
}

Value rsqrt(const Call& call) {
  return call.emit.put("Reciprocal", {call.emit.put("Sqrt", {call.floating("self")})});
}
Value square(const Call& call) {
  const ValueId x = call.tensor("self");
  return call.emit.put("Mul", {x, x});
}
Value expm1(const Call& call) {
  return call.emit.put("Sub", {call.emit.put("Exp", {call.floating("self")}), call.emit.scalar(1)});
}
Value log1p(const Call& call) {
  return call.emit.put("Log", {call.emit.put("Add", {call.floating("self"), call.emit.scalar(1)})});
}
Value scaled_log(const Call& call, double base) {
  return call.emit.put(
      "Mul", {call.emit.put("Log", {call.floating("self")}), call.emit.scalar(1 / std::log(base))});
}
Value log2(const Call& call) { return scaled_log(call, 2); }
Value log10(const Call& call) { return scaled_log(call, 10); }

Value round(const Call& call) {
  if (call.integer("decimals") != 0) call.refuse("is supported without decimals");
  return call.emit.put("Round", {call.floating("self")});
}

Value softmax_as(const Call& call, const char* op) {
  const ValueId x = call.floating("self");
  return call.emit.put(op, {x}, {{"axis", call.axis("dim", call.emit.rank(x))}});
}
Value softmax(const Call& call) { return softmax_as(call, "Softmax"); }
Value log_softmax(const Call& call) { return softmax_as(call, "LogSoftmax"); }

// x[first half] * sigmoid(x[second half])
Value glu(const Call& call) {
  const ValueId x = call.floating("self");
  const std::vector<ValueId> halves = call.emit.put_many(
      "Split", {x}, {{"axis", call.axis("dim", call.emit.rank(x))}, {"num_outputs", int64_t{2}}},
      2);
  return call.emit.put("Mul", {halves[0], call.emit.put("Sigmoid", {halves[1]})});
}

Value unchanged(const Call& call) { return call.first(); }

Value dropout(const Call& call) {
  if (call.flag("train")) call.refuse("drops values, as in training");
  return call.value("input");
}

// aten::to and its relatives: a cast where the type changes. Floats of any width are f32 here.
Value to(const Call& call) {
  ir::DType dtype = call.emit.dtype(call.tensor("self"));
  if (call.has("dtype")) {
    switch (static_cast<at::ScalarType>(call.integer("dtype"))) {
      case at::kFloat:
      case at::kDouble:
      case at::kHalf:
      case at::kBFloat16:
        dtype = ir::DType::kF32;
        break;
      case at::kLong:
        dtype = ir::DType::kI64;
        break;
      case at::kInt:
        dtype = ir::DType::kI32;
        break;
      case at::kBool:
        dtype = ir::DType::kBool;
        break;
      case at::kByte:
        dtype = ir::DType::kU8;
        break;
      case at::kChar:
        dtype = ir::DType::kI8;
        break;
      default:
        call.refuse("casts to a type that a model lacks");
    }
  } else if (call.has("other")) {
    dtype = call.emit.dtype(call.tensor("other"));
  }
  if (dtype == call.emit.dtype(call.tensor("self"))) return call.value("self");
  return call.emit.cast(call.tensor("self"), dtype);
}

constexpr auto kRows = std::to_array<OperatorRow>({
    {"abs", of_numbers<kAbs>},
    {"neg", of_numbers<kNeg>},
    {"sign", of_numbers<kSign>},
    {"relu", of_numbers<kRelu>},
    {"logical_not", of_numbers<kNot>},
    {"bitwise_not", of_numbers<kNot>},
    {"isnan", same_name<kIsNan>},
    {"isinf", same_name<kIsInf>},
    {"sigmoid", same_name<kSigmoid>},
    {"tanh", same_name<kTanh>},
    {"exp", same_name<kExp>},
    {"log", same_name<kLog>},
    {"sqrt", same_name<kSqrt>},
    {"erf", same_name<kErf>},
    {"floor", same_name<kFloor>},
    {"ceil", same_name<kCeil>},
    {"reciprocal", same_name<kReciprocal>},
    {"sin", same_name<kSin>},
    {"cos", same_name<kCos>},
    {"tan", same_name<kTan>},
    {"asin", same_name<kAsin>},
    {"acos", same_name<kAcos>},
    {"atan", same_name<kAtan>},
    {"sinh", same_name<kSinh>},
    {"cosh", same_name<kCosh>},
    {"asinh", same_name<kAsinh>},
    {"acosh", same_name<kAcosh>},
    {"atanh", same_name<kAtanh>},
    {"silu", same_name<kSilu>},
    {"mish", same_name<kMish>},
    {"hardswish", same_name<kHardSwish>},
    {"selu", same_name<kSelu>},
    {"clamp", clamp},
    {"clamp_min", clamp},
    {"clamp_max", clamp},
    {"clip", clamp},
    {"hardtanh", hardtanh},
    {"relu6", relu6},
    {"leaky_relu", leaky_relu},
    {"elu", elu},
    {"celu", celu},
    {"hardsigmoid", hardsigmoid},
    {"gelu", gelu},
    {"prelu", prelu},
    {"_prelu_kernel", prelu},
    {"threshold", threshold},
    {"softplus", softplus},
    {"log_sigmoid", log_sigmoid},
    {"rsqrt", rsqrt},
    {"square", square},
    {"expm1", expm1},
    {"log1p", log1p},
    {"log2", log2},
    {"log10", log10},
    {"round", round},
    {"softmax", softmax},
    {"_softmax", softmax},
    {"log_softmax", log_softmax},
    {"_log_softmax", log_softmax},
    {"glu", glu},
    {"dropout", dropout},
    {"feature_dropout", dropout},
    {"alpha_dropout", dropout},
    {"feature_alpha_dropout", dropout},
    {"contiguous", unchanged},
    {"clone", unchanged},
    {"detach", unchanged},
    {"cpu", unchanged},
    {"alias", unchanged},
    {"data", unchanged},
    {"lift_fresh", unchanged},
    {"to", to},
    {"type_as", to},
    {"_cast_Float", unchanged},
});

}  // namespace

std::span<const OperatorRow> pointwise_operators() { return kRows; }

}  // namespace pare::formats::torchscript
