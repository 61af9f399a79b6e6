// SPDX-License-Identifier: Apache-2.0
// Operators that take elements by position, and constants in the shape of a tensor.
#include <algorithm>
#include <array>
#include <limits>

#include "formats/torchscript/operators.hpp"

namespace pare::formats::torchscript {

namespace {

using ir::ValueId;

constexpr int64_t kToTheEnd = std::numeric_limits<int64_t>::max();

ValueId sliced(const Call& call, ValueId x, int64_t axis, int64_t start, int64_t end,
               int64_t step) {
  return call.emit.put("Slice", {x, call.emit.integers({start}), call.emit.integers({end}),
                                 call.emit.integers({axis}), call.emit.integers({step})});
}

Value slice(const Call& call) {
  const ValueId x = call.tensor("self");
  const int64_t axis = call.axis("dim", call.emit.rank(x));
  const int64_t start = call.integer("start", 0);
  const int64_t end = call.integer("end", kToTheEnd);
  const int64_t step = call.integer("step", 1);
  const ir::Dim& size = call.emit.shape(x).at(static_cast<size_t>(axis));
  const bool whole =
      start == 0 && step == 1 && (end == kToTheEnd || (size.known() && end >= size.size));
  if (whole) return call.value("self");
  return sliced(call, x, axis, start, end, step);
}

Value select(const Call& call) {
  const ValueId x = call.tensor("self");
  const int64_t axis = call.axis("dim", call.emit.rank(x));
  const int64_t index = call.integer("index");
  const ir::Dim& size = call.emit.shape(x).at(static_cast<size_t>(axis));
  if (size.known() && (index < -size.size || index >= size.size)) {
    call.refuse("index " + std::to_string(index) + " of " + std::to_string(size.size));
  }
  const ValueId part = sliced(call, x, axis, index, index == -1 ? kToTheEnd : index + 1, 1);
  return call.emit.put("Squeeze", {part, call.emit.integers({axis})});
}

Value narrow(const Call& call) {
  const ValueId x = call.tensor("self");
  const int64_t start = call.integer("start");
  return sliced(call, x, call.axis("dim", call.emit.rank(x)), start, start + call.integer("length"),
                1);
}

Value flip(const Call& call) {
  ValueId x = call.tensor("self");
  for (const int64_t axis : call.axes("dims", call.emit.rank(x))) {
    x = sliced(call, x, axis, -1, -kToTheEnd, -1);
  }
  return x;
}

Value index_select(const Call& call) {
  const ValueId x = call.tensor("self");
  return call.emit.put("Gather", {x, call.emit.cast(call.tensor("index"), ir::DType::kI64)},
                       {{"axis", call.axis("dim", call.emit.rank(x))}});
}

Value gather(const Call& call) {
  const ValueId x = call.tensor("self");
  return call.emit.put("GatherElements", {x, call.emit.cast(call.tensor("index"), ir::DType::kI64)},
                       {{"axis", call.axis("dim", call.emit.rank(x))}});
}

// x[:, indices]: one list of positions, the other dimensions whole.
Value index(const Call& call) {
  const ValueId x = call.tensor("self");
  const auto* list = call.value("indices").sequence();
  if (!list) call.refuse("takes no such indices");
  std::optional<size_t> axis;
  for (size_t i = 0; i < (*list)->items.size(); ++i) {
    if ((*list)->items[i].is_none()) continue;
    if (axis) call.refuse("by more than one tensor is not supported");
    axis = i;
  }
  if (!axis) return call.value("self");
  const Value& at = (*list)->items[*axis];
  const ValueId positions = at.graph_tensor()
                                ? (*at.graph_tensor())->id
                                : call.emit.parameter(at.plain()->toTensor(), "index");
  if (call.emit.dtype(positions) == ir::DType::kBool) {
    call.refuse("by a mask gives a size that depends on data");
  }
  return call.emit.put("Gather", {x, call.emit.cast(positions, ir::DType::kI64)},
                       {{"axis", static_cast<int64_t>(*axis)}});
}

Value filled(const Call& call, double value) {
  const ValueId x = call.tensor("self");
  const ValueId number = call.emit.scalar(value, call.emit.dtype(x));
  return call.emit.put("Expand", {number, call.emit.shape_value(call.emit.shape(x))});
}
Value zeros_like(const Call& call) { return filled(call, 0); }
Value ones_like(const Call& call) { return filled(call, 1); }
Value full_like(const Call& call) {
  return filled(call, call.number(call.has("fill_value") ? "fill_value" : "value"));
}

// Of a shape with symbols: libtorch makes all others.
Value of_shape(const Call& call, double value) {
  const bool integers =
      call.has("dtype") && static_cast<at::ScalarType>(call.integer("dtype")) == at::kLong;
  const ValueId number = call.emit.scalar(value, integers ? ir::DType::kI64 : ir::DType::kF32);
  return call.emit.put("Expand", {number, call.emit.shape_value(call.sizes("size"))});
}
Value zeros(const Call& call) { return of_shape(call, 0); }
Value ones(const Call& call) { return of_shape(call, 1); }
Value full(const Call& call) { return of_shape(call, call.number("fill_value")); }

Value triangle(const Call& call, int64_t upper) {
  return call.emit.put("Trilu",
                       {call.tensor("self"), call.emit.integers({call.integer("diagonal")})},
                       {{"upper", upper}});
}
Value tril(const Call& call) { return triangle(call, 0); }
Value triu(const Call& call) { return triangle(call, 1); }

constexpr auto kRows = std::to_array<OperatorRow>({
    {"slice", slice},
    {"select", select},
    {"narrow", narrow},
    {"flip", flip},
    {"index_select", index_select},
    {"gather", gather},
    {"index", index},
    {"zeros_like", zeros_like},
    {"ones_like", ones_like},
    {"full_like", full_like},
    {"fill", full_like},
    {"zero", zeros_like},
    {"zeros", zeros},
    {"new_zeros", zeros},
    {"ones", ones},
    {"new_ones", ones},
    {"full", full},
    {"tril", tril},
    {"triu", triu},
});

}  // namespace

std::span<const OperatorRow> index_operators() { return kRows; }

}  // namespace pare::formats::torchscript
