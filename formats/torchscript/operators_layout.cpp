// SPDX-License-Identifier: Apache-2.0
// Operators that arrange elements anew: reshapes, transposes, joins and parts.
#include <algorithm>
#include <array>
#include <numeric>

#include "formats/torchscript/operators.hpp"

namespace pare::formats::torchscript {

namespace {

using ir::ValueId;

// The elements of `shape` with its symbols; for telling whether reshaping is possible.
int64_t known_product(const ir::Shape& shape) {
  int64_t product = 1;
  for (const ir::Dim& dim : shape) product *= dim.known() ? dim.size : 1;
  return product;
}

Value reshaped(const Call& call, const ir::Shape& stated) {
  const ValueId x = call.tensor("self");
  ir::Shape target = stated;
  for (ir::Dim& dim : target) {
    if (dim.symbol.empty() && dim.size == -1) {
      // What is left: a number when the symbols on both sides are the same.
      ir::Shape rest = stated;
      std::erase(rest, dim);
      const auto symbols = [](const ir::Shape& shape) {
        return std::ranges::count_if(shape, [](const ir::Dim& d) { return !d.known(); });
      };
      const int64_t others = known_product(rest);
      const ir::Shape& from = call.emit.shape(x);
      if (others > 0 && symbols(rest) == symbols(from)) {
        dim = known_product(from) / others;
        break;
      }
      std::vector<int64_t> sizes;
      for (size_t i = 0; i < stated.size(); ++i) {
        const bool kept = i < from.size() && stated[i] == from[i] && !from[i].known();
        if (!kept && !stated[i].symbol.empty()) call.refuse("leaves two sizes open");
        sizes.push_back(kept ? 0 : stated[i].size);
      }
      return call.emit.put("Reshape", {x, call.emit.integers(sizes)});
    }
  }
  if (target == call.emit.shape(x)) return call.value("self");
  return call.emit.reshape(x, target);
}

Value view(const Call& call) {
  return reshaped(call, call.sizes(call.has("size") ? "size" : "shape"));
}
Value view_as(const Call& call) { return reshaped(call, call.emit.shape(call.tensor("other"))); }

Value flatten(const Call& call) {
  const ir::Shape& from = call.emit.shape(call.tensor("self"));
  const int rank = static_cast<int>(from.size());
  const auto first = static_cast<size_t>(call.axis("start_dim", rank));
  const auto last = static_cast<size_t>(call.axis("end_dim", rank));
  if (rank < 2 || first >= last)
    return rank == 0 ? reshaped(call, {ir::Dim(1)}) : call.value("self");
  if (first == 1 && last + 1 == from.size()) {
    return call.emit.put("Flatten", {call.tensor("self")}, {{"axis", int64_t{1}}});
  }
  ir::Shape target(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(first));
  target.emplace_back(-1);
  target.insert(target.end(), from.begin() + static_cast<std::ptrdiff_t>(last) + 1, from.end());
  return reshaped(call, target);
}

Value unflatten(const Call& call) {
  ir::Shape target = call.emit.shape(call.tensor("self"));
  const auto at = call.axis("dim", static_cast<int>(target.size()));
  const ir::Shape sizes = call.sizes("sizes");
  target.erase(target.begin() + at);
  target.insert(target.begin() + at, sizes.begin(), sizes.end());
  return reshaped(call, target);
}

Value permute(const Call& call) {
  const ValueId x = call.tensor("self");
  return call.emit.put("Transpose", {x}, {{"perm", call.axes("dims", call.emit.rank(x))}});
}

Value swapped(const Call& call, int64_t a, int64_t b) {
  const ValueId x = call.tensor("self");
  std::vector<int64_t> perm(static_cast<size_t>(call.emit.rank(x)));
  std::iota(perm.begin(), perm.end(), 0);
  std::swap(perm.at(static_cast<size_t>(a)), perm.at(static_cast<size_t>(b)));
  return call.emit.put("Transpose", {x}, {{"perm", perm}});
}
Value transpose(const Call& call) {
  const int rank = call.emit.rank(call.tensor("self"));
  return swapped(call, call.axis("dim0", rank), call.axis("dim1", rank));
}
Value t(const Call& call) {
  return call.emit.rank(call.tensor("self")) < 2 ? call.value("self") : swapped(call, 0, 1);
}

Value unsqueeze(const Call& call) {
  const ValueId x = call.tensor("self");
  const int64_t axis = call.axis("dim", call.emit.rank(x) + 1);
  return call.emit.put("Unsqueeze", {x, call.emit.integers({axis})});
}

// PyTorch leaves dimensions of another size than 1 as they are.
Value squeeze(const Call& call) {
  const ValueId x = call.tensor("self");
  const ir::Shape& shape = call.emit.shape(x);
  std::vector<int64_t> asked(shape.size());
  std::iota(asked.begin(), asked.end(), 0);
  if (call.has("dim")) asked = call.axes("dim", call.emit.rank(x));
  std::erase_if(asked,
                [&](int64_t axis) { return shape[static_cast<size_t>(axis)] != ir::Dim(1); });
  if (asked.empty()) return call.value("self");
  return call.emit.put("Squeeze", {x, call.emit.integers(asked)});
}

// All of one type; empty tensors of one dimension, which PyTorch passes over, are left out.
Value cat(const Call& call) {
  std::vector<ValueId> parts = call.tensors("tensors");
  std::erase_if(parts,
                [&](ValueId part) { return call.emit.shape(part) == ir::Shape{ir::Dim(0)}; });
  if (parts.empty()) call.refuse("joins nothing");
  const int64_t axis = call.axis("dim", call.emit.rank(parts.front()));
  const bool floating = std::ranges::any_of(
      parts, [&](ValueId part) { return call.emit.dtype(part) == ir::DType::kF32; });
  if (floating) {
    for (ValueId& part : parts) part = call.emit.cast(part, ir::DType::kF32);
  }
  if (parts.size() == 1) return call.emit.put("Identity", parts);
  return call.emit.put("Concat", parts, {{"axis", axis}});
}

Value stack(const Call& call) {
  std::vector<ValueId> parts = call.tensors("tensors");
  if (parts.empty()) call.refuse("joins nothing");
  const int64_t axis = call.axis("dim", call.emit.rank(parts.front()) + 1);
  for (ValueId& part : parts) {
    part = call.emit.put("Unsqueeze", {part, call.emit.integers({axis})});
  }
  return call.emit.put("Concat", parts, {{"axis", axis}});
}

int64_t size_along(const Call& call, ValueId x, int64_t axis) {
  const ir::Dim& dim = call.emit.shape(x).at(static_cast<size_t>(axis));
  if (!dim.known()) call.refuse("parts the size \"" + dim.symbol + "\"; give it as a number");
  return dim.size;
}

Value parts_of(const Call& call, ValueId x, int64_t axis, const std::vector<int64_t>& sizes) {
  const std::vector<ValueId> parts =
      sizes.size() == 1 ? std::vector<ValueId>{call.emit.put("Identity", {x})}
                        : call.emit.put_many("Split", {x, call.emit.integers(sizes)},
                                             {{"axis", axis}}, static_cast<int>(sizes.size()));
  return Value::list(c10::TensorType::get(), std::vector<Value>(parts.begin(), parts.end()));
}

Value in_pieces(const Call& call, int64_t piece) {
  const ValueId x = call.tensor("self");
  const int64_t axis = call.axis("dim", call.emit.rank(x));
  const int64_t size = size_along(call, x, axis);
  if (piece < 1) call.refuse("parts into pieces of nothing");
  std::vector<int64_t> sizes;
  for (int64_t at = 0; at < size; at += piece) sizes.push_back(std::min(piece, size - at));
  return parts_of(call, x, axis, sizes);
}

Value chunk(const Call& call) {
  const ValueId x = call.tensor("self");
  const int64_t size = size_along(call, x, call.axis("dim", call.emit.rank(x)));
  const int64_t chunks = call.integer("chunks");
  if (chunks < 1) call.refuse("parts into no chunks");
  return in_pieces(call, (size + chunks - 1) / chunks);
}

Value split(const Call& call) {
  const char* name = call.has("split_sizes") ? "split_sizes" : "split_size";
  const std::vector<int64_t> sizes = call.integers(name);
  if (call.value(name).plain()) return in_pieces(call, sizes.front());
  const ValueId x = call.tensor("self");
  return parts_of(call, x, call.axis("dim", call.emit.rank(x)), sizes);
}

Value unbind(const Call& call) {
  const ValueId x = call.tensor("self");
  const int64_t axis = call.axis("dim", call.emit.rank(x));
  const int64_t size = size_along(call, x, axis);
  const Value parts = parts_of(call, x, axis, std::vector<int64_t>(static_cast<size_t>(size), 1));
  std::vector<Value> out;
  for (const Value& part : (*parts.sequence())->items) {
    out.emplace_back(
        call.emit.put("Squeeze", {(*part.graph_tensor())->id, call.emit.integers({axis})}));
  }
  return Value::list(c10::TensorType::get(), std::move(out));
}

// -1 keeps a size; new dimensions come in front.
Value expand(const Call& call) {
  const ValueId x = call.tensor("self");
  const ir::Shape& from = call.emit.shape(x);
  ir::Shape target = call.has("size") ? call.sizes("size") : call.emit.shape(call.tensor("other"));
  for (size_t i = 0; i < target.size(); ++i) {
    const size_t before = target.size() - from.size();
    if (target[i].symbol.empty() && target[i].size == -1 && i >= before)
      target[i] = from[i - before];
  }
  if (target == from) return call.value("self");
  return call.emit.put("Expand", {x, call.emit.shape_value(target)});
}

Value repeat(const Call& call) {
  ValueId x = call.tensor("self");
  std::vector<int64_t> times = call.integers(call.has("repeats") ? "repeats" : "dims");
  const auto rank = static_cast<size_t>(call.emit.rank(x));
  if (times.size() < rank) times.insert(times.begin(), rank - times.size(), 1);
  if (times.size() > rank) {
    ir::Shape wide(times.size() - rank, ir::Dim(1));
    wide.insert(wide.end(), call.emit.shape(x).begin(), call.emit.shape(x).end());
    x = call.emit.reshape(x, wide);
  }
  return call.emit.put("Tile", {x, call.emit.integers(times)});
}

Value pixel_shuffle(const Call& call) {
  return call.emit.put(
      "DepthToSpace", {call.floating("self")},
      {{"blocksize", call.integer("upscale_factor")}, {"mode", std::string("CRD")}});
}

constexpr auto kRows = std::to_array<OperatorRow>({
    {"view", view},
    {"reshape", view},
    {"_unsafe_view", view},
    {"view_as", view_as},
    {"reshape_as", view_as},
    {"flatten", flatten},
    {"unflatten", unflatten},
    {"permute", permute},
    {"transpose", transpose},
    {"swapaxes", transpose},
    {"t", t},
    {"unsqueeze", unsqueeze},
    {"squeeze", squeeze},
    {"cat", cat},
    {"concat", cat},
    {"stack", stack},
    {"chunk", chunk},
    {"split", split},
    {"split_with_sizes", split},
    {"unbind", unbind},
    {"expand", expand},
    {"expand_as", expand},
    {"repeat", repeat},
    {"tile", repeat},
    {"pixel_shuffle", pixel_shuffle},
});

}  // namespace

std::span<const OperatorRow> layout_operators() { return kRows; }

}  // namespace pare::formats::torchscript
