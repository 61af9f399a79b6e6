// SPDX-License-Identifier: Apache-2.0
// Operators along dimensions: sums, means, extremes and where they are.
#include <array>
#include <cmath>
#include <numeric>

#include "formats/torchscript/operators.hpp"

namespace pare::formats::torchscript {

namespace {

using ir::ValueId;

struct Over {
  ValueId x;
  std::vector<int64_t> axes;  // all of them where the call names none
  int64_t keep = 0;
};

Over over(const Call& call, const char* input = "self") {
  Over out{.x = call.tensor(input)};
  const int rank = call.emit.rank(out.x);
  out.keep = call.has("keepdim") ? call.integer("keepdim") : 0;
  if (call.has("dim")) out.axes = call.axes("dim", rank);
  if (out.axes.empty()) {
    out.axes.resize(static_cast<size_t>(rank));
    std::iota(out.axes.begin(), out.axes.end(), 0);
  }
  return out;
}

ValueId reduced(const Call& call, const char* op, const Over& at) {
  if (at.axes.empty()) return at.x;  // a number
  return call.emit.put(op, {at.x, call.emit.integers(at.axes)}, {{"keepdims", at.keep}});
}

ValueId reduced_floats(const Call& call, const char* op) {
  Over at = over(call);
  at.x = call.emit.cast(at.x, ir::DType::kF32);
  return reduced(call, op, at);
}

Value mean(const Call& call) {
  // Over the last two of four dimensions it is the pooling that integer kernels exist for.
  const Over at = over(call);
  if (at.axes == std::vector<int64_t>{2, 3} && call.emit.rank(at.x) == 4) {
    const ValueId pooled = call.emit.put("GlobalAveragePool", {call.floating("self")});
    if (at.keep != 0) return pooled;
    return call.emit.put("Flatten", {pooled}, {{"axis", int64_t{1}}});
  }
  return reduced_floats(call, "ReduceMean");
}

Value sum(const Call& call) {
  Over at = over(call);
  if (call.emit.dtype(at.x) == ir::DType::kBool) at.x = call.emit.cast(at.x, ir::DType::kI64);
  return reduced(call, "ReduceSum", at);
}
Value prod(const Call& call) { return reduced(call, "ReduceProd", over(call)); }
Value logsumexp(const Call& call) { return reduced_floats(call, "ReduceLogSumExp"); }
Value amax(const Call& call) { return reduced(call, "ReduceMax", over(call)); }
Value amin(const Call& call) { return reduced(call, "ReduceMin", over(call)); }

Value norm(const Call& call) {
  const double p = call.number(call.has("ord") ? "ord" : "p", 2);
  if (p != 1 && p != 2) call.refuse("is supported for the 1-norm and the 2-norm");
  return reduced_floats(call, p == 1 ? "ReduceL1" : "ReduceL2");
}

// max(x, y), max(x) or (max(x, dim), where)
Value extreme(const Call& call, const char* op, const char* where, const char* of_two) {
  if (call.has("other")) {
    const ir::DType dtype = call.common_type(call.value("self"), call.value("other"));
    return call.emit.put(of_two, {call.operand(call.value("self"), dtype),
                                  call.operand(call.value("other"), dtype)});
  }
  const Over at = over(call);
  const ValueId value = reduced(call, op, at);
  if (call.output_count() == 1) return value;
  const ValueId index =
      call.emit.put(where, {at.x}, {{"axis", at.axes.at(0)}, {"keepdims", at.keep}});
  return Value::tuple({value, index});
}
Value max(const Call& call) { return extreme(call, "ReduceMax", "ArgMax", "Max"); }
Value min(const Call& call) { return extreme(call, "ReduceMin", "ArgMin", "Min"); }

Value arg(const Call& call, const char* op) {
  ValueId x = call.tensor("self");
  if (!call.has("dim")) {
    x = call.emit.put("Reshape", {x, call.emit.integers({-1})});
    return call.emit.put(op, {x}, {{"axis", int64_t{0}}, {"keepdims", int64_t{0}}});
  }
  return call.emit.put(
      op, {x},
      {{"axis", call.axis("dim", call.emit.rank(x))}, {"keepdims", call.integer("keepdim")}});
}
Value argmax(const Call& call) { return arg(call, "ArgMax"); }
Value argmin(const Call& call) { return arg(call, "ArgMin"); }

Value topk(const Call& call) {
  const ValueId x = call.tensor("self");
  const std::vector<ValueId> out = call.emit.put_many(
      "TopK", {x, call.emit.integers({call.integer("k")})},
      {{"axis", call.axis("dim", call.emit.rank(x))}, {"largest", call.integer("largest", 1)}}, 2);
  return Value::tuple({out[0], out[1]});
}

Value cumsum(const Call& call) {
  const ValueId x = call.tensor("self");
  return call.emit.put("CumSum", {x, call.emit.integers({call.axis("dim", call.emit.rank(x))})});
}

// mean((x - mean(x))^2), times n / (n - correction)
ValueId variance(const Call& call) {
  Over at = over(call);
  at.x = call.emit.cast(at.x, ir::DType::kF32);
  double correction = call.has("unbiased") ? call.number("unbiased") : 1;
  if (call.has("correction")) correction = call.number("correction");
  double count = 1;
  for (const int64_t axis : at.axes) {
    const ir::Dim& dim = call.emit.shape(at.x)[static_cast<size_t>(axis)];
    if (!dim.known()) call.refuse("over the size \"" + dim.symbol + "\"; give it as a number");
    count *= static_cast<double>(dim.size);
  }
  Over kept = at;
  kept.keep = 1;
  const ValueId off = call.emit.put("Sub", {at.x, reduced(call, "ReduceMean", kept)});
  at.x = call.emit.put("Mul", {off, off});
  const ValueId mean_square = reduced(call, "ReduceMean", at);
  if (correction == 0) return mean_square;
  if (count <= correction) call.refuse("of too few elements");
  return call.emit.put("Mul", {mean_square, call.emit.scalar(count / (count - correction))});
}
Value var(const Call& call) { return variance(call); }
Value standard_deviation(const Call& call) { return call.emit.put("Sqrt", {variance(call)}); }

constexpr auto kRows = std::to_array<OperatorRow>({
    {"mean", mean},
    {"sum", sum},
    {"prod", prod},
    {"logsumexp", logsumexp},
    {"amax", amax},
    {"amin", amin},
    {"norm", norm},
    {"linalg_vector_norm", norm},
    {"frobenius_norm", norm},
    {"max", max},
    {"min", min},
    {"argmax", argmax},
    {"argmin", argmin},
    {"topk", topk},
    {"cumsum", cumsum},
    {"var", var},
    {"std", standard_deviation},
});

}  // namespace

std::span<const OperatorRow> reduce_operators() { return kRows; }

}  // namespace pare::formats::torchscript
