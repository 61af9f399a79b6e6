// SPDX-License-Identifier: Apache-2.0
// Operators of two tensors or numbers, element by element. Types are promoted as PyTorch does it.
#include <array>

#include "formats/torchscript/operators.hpp"

namespace pare::formats::torchscript {

namespace {

using ir::ValueId;

Value both(const Call& call, const char* op, ir::DType dtype) {
  return call.emit.put(
      op, {call.operand(call.value("self"), dtype), call.operand(call.value("other"), dtype)});
}

ir::DType common(const Call& call) {
  return call.common_type(call.value("self"), call.value("other"));
}

template <const char* kOp>
Value promoted(const Call& call) {
  return both(call, kOp, common(call));
}

template <const char* kOp>
Value logical(const Call& call) {
  return both(call, kOp, ir::DType::kBool);
}

// On booleans, and on the bits of integers.
template <const char* kOp, const char* kBitwise>
Value bitwise(const Call& call) {
  const ir::DType dtype = common(call);
  return both(call, dtype == ir::DType::kBool ? kOp : kBitwise, dtype);
}

constexpr char kMul[] = "Mul", kMax[] = "Max", kMin[] = "Min", kEqual[] = "Equal", kLess[] = "Less",
               kLessEqual[] = "LessOrEqual", kGreater[] = "Greater",
               kGreaterEqual[] = "GreaterOrEqual", kAnd[] = "And", kOr[] = "Or", kXor[] = "Xor",
               kBitAnd[] = "BitwiseAnd", kBitOr[] = "BitwiseOr", kBitXor[] = "BitwiseXor";

// left op alpha * right
Value sum(const Call& call, const char* op, const char* first, const char* second) {
  const ir::DType dtype = common(call);
  const ValueId left = call.operand(call.value(first), dtype);
  ValueId right = call.operand(call.value(second), dtype);
  const double alpha = call.number("alpha", 1);
  if (alpha != 1) right = call.emit.put("Mul", {right, call.emit.scalar(alpha, dtype)});
  return call.emit.put(op, {left, right});
}
Value add(const Call& call) { return sum(call, "Add", "self", "other"); }
Value sub(const Call& call) { return sum(call, "Sub", "self", "other"); }
Value rsub(const Call& call) {
  if (call.number("alpha", 1) != 1) call.refuse("is supported with alpha 1");
  return sum(call, "Sub", "other", "self");
}

Value div(const Call& call) {
  const std::string rounding = call.has("rounding_mode") ? call.text("rounding_mode") : "";
  if (rounding.empty()) return both(call, "Div", ir::DType::kF32);
  const ir::DType dtype = common(call);
  if (dtype != ir::DType::kF32) {
    // Whole numbers are divided towards zero, which differs from the floor below zero.
    if (rounding == "trunc") return both(call, "Div", dtype);
    call.refuse("is supported with rounding for floating-point numbers");
  }
  if (rounding != "floor") call.refuse("is supported with rounding to the floor");
  const ValueId ratio = both(call, "Div", dtype).graph_tensor()->get()->id;
  return call.emit.put("Floor", {ratio});
}

Value floor_divide(const Call& call) {
  if (common(call) != ir::DType::kF32) call.refuse("is supported for floating-point numbers");
  return call.emit.put("Floor", {both(call, "Div", ir::DType::kF32).graph_tensor()->get()->id});
}

Value fmod(const Call& call) {
  const ir::DType dtype = common(call);
  return call.emit.put(
      "Mod", {call.operand(call.value("self"), dtype), call.operand(call.value("other"), dtype)},
      {{"fmod", int64_t{1}}});
}

Value not_equal(const Call& call) {
  return call.emit.put("Not", {both(call, "Equal", common(call)).graph_tensor()->get()->id});
}

Value power(const Call& call) {
  const Value& exponent = call.value("exponent");
  const ir::DType dtype = call.common_type(call.value("self"), exponent);
  const ValueId x = call.operand(call.value("self"), dtype);
  if (const c10::IValue* known = exponent.plain(); known && known->isScalar()) {
    const double to = known->toScalar().toDouble();
    if (to == 2) return call.emit.put("Mul", {x, x});
    if (to == 0.5) return call.emit.put("Sqrt", {x});
  }
  return call.emit.put("Pow", {x, call.operand(exponent, dtype)});
}

Value where(const Call& call) {
  const ValueId condition = call.emit.cast(call.tensor("condition"), ir::DType::kBool);
  const ir::DType dtype = common(call);
  return call.emit.put("Where", {condition, call.operand(call.value("self"), dtype),
                                 call.operand(call.value("other"), dtype)});
}

Value masked_fill(const Call& call) {
  const ValueId x = call.tensor("self");
  const ValueId filling = call.operand(call.value("value"), call.emit.dtype(x));
  return call.emit.put("Where",
                       {call.emit.cast(call.tensor("mask"), ir::DType::kBool), filling, x});
}

// self + value * tensor1 op tensor2
Value combined(const Call& call, const char* op) {
  ValueId product = call.emit.put(op, {call.floating("tensor1"), call.floating("tensor2")});
  const double scale = call.number("value", 1);
  if (scale != 1) product = call.emit.put("Mul", {product, call.emit.scalar(scale)});
  return call.emit.put("Add", {call.floating("self"), product});
}
Value addcmul(const Call& call) { return combined(call, "Mul"); }
Value addcdiv(const Call& call) { return combined(call, "Div"); }

// self + weight * (end - self)
Value lerp(const Call& call) {
  const ValueId from = call.floating("self");
  const ValueId way = call.emit.put("Sub", {call.floating("end"), from});
  const ValueId weight = call.operand(call.value("weight"), ir::DType::kF32);
  return call.emit.put("Add", {from, call.emit.put("Mul", {way, weight})});
}

// What is written, brought to the type and shape of what it is written into.
Value copied(const Call& call) {
  const ValueId into = call.tensor("self");
  const ValueId from = call.emit.cast(call.tensor("src"), call.emit.dtype(into));
  if (call.emit.shape(from) == call.emit.shape(into)) return from;
  return call.emit.put("Expand", {from, call.emit.shape_value(call.emit.shape(into))});
}

constexpr auto kRows = std::to_array<OperatorRow>({
    {"add", add},
    {"sub", sub},
    {"rsub", rsub},
    {"mul", promoted<kMul>},
    {"multiply", promoted<kMul>},
    {"div", div},
    {"divide", div},
    {"true_divide", div},
    {"floor_divide", floor_divide},
    {"fmod", fmod},
    {"maximum", promoted<kMax>},
    {"minimum", promoted<kMin>},
    {"eq", promoted<kEqual>},
    {"ne", not_equal},
    {"lt", promoted<kLess>},
    {"le", promoted<kLessEqual>},
    {"gt", promoted<kGreater>},
    {"ge", promoted<kGreaterEqual>},
    {"logical_and", logical<kAnd>},
    {"logical_or", logical<kOr>},
    {"logical_xor", logical<kXor>},
    {"__and__", bitwise<kAnd, kBitAnd>},
    {"__or__", bitwise<kOr, kBitOr>},
    {"bitwise_and", bitwise<kAnd, kBitAnd>},
    {"bitwise_or", bitwise<kOr, kBitOr>},
    {"__xor__", bitwise<kXor, kBitXor>},
    {"bitwise_xor", bitwise<kXor, kBitXor>},
    {"pow", power},
    {"where", where},
    {"masked_fill", masked_fill},
    {"addcmul", addcmul},
    {"addcdiv", addcdiv},
    {"lerp", lerp},
    {"copy", copied},
});

}  // namespace

std::span<const OperatorRow> binary_operators() { return kRows; }

}  // namespace pare::formats::torchscript
