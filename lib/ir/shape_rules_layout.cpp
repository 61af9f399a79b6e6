// SPDX-License-Identifier: Apache-2.0
// Shapes of operators that only rearrange: Reshape, Flatten, Transpose, Concat, Squeeze, Unsqueeze.
// Symbolic dimensions are followed as far as that is sound, else refused.
#include <algorithm>

#include "lib/core/checked.hpp"
#include "lib/core/error.hpp"
#include "lib/ir/geometry.hpp"
#include "lib/ir/shape_rules.hpp"

namespace pare::ir::rules {

namespace {

// A product of dimensions: what is known, and the symbols that are not.
struct Product {
  int64_t known = 1;
  std::vector<std::string> symbols;
};

Product product(const Node& node, std::span<const Dim> dims) {
  Product out;
  for (const Dim& dim : dims) {
    if (dim.known()) {
      out.known = checked_mul(out.known, dim.size, node.name);
    } else {
      out.symbols.push_back(dim.symbol);
    }
  }
  return out;
}

Dim flattened(const Node& node, std::span<const Dim> dims) {
  const Product p = product(node, dims);
  if (p.symbols.empty()) return Dim(p.known);
  if (p.symbols.size() == 1 && p.known == 1) return Dim(p.symbols[0]);
  throw Error(node.name, "cannot merge dimensions " + to_string(Shape(dims.begin(), dims.end())));
}

// What a -1 in Reshape stands for: all of `input` that `output` (without the -1) does not account
// for.
Dim inferred_dim(const Node& node, const Shape& input, const Shape& output) {
  Product in = product(node, input);
  const Product out = product(node, output);
  for (const std::string& symbol : out.symbols) {
    const auto it = std::ranges::find(in.symbols, symbol);
    if (it == in.symbols.end()) throw Error(node.name, "Reshape cannot keep dimension " + symbol);
    in.symbols.erase(it);
  }
  const bool divides = out.known > 0 && in.known % out.known == 0;
  if (in.symbols.empty() && divides) return Dim(in.known / out.known);
  if (in.symbols.size() == 1 && in.known == out.known) return Dim(in.symbols[0]);
  throw Error(node.name, "Reshape of " + to_string(input) + " leaves no size for -1");
}

bool same_elements(const Node& node, const Shape& a, const Shape& b) {
  Product x = product(node, a);
  Product y = product(node, b);
  std::ranges::sort(x.symbols);
  std::ranges::sort(y.symbols);
  return x.known == y.known && x.symbols == y.symbols;
}

}  // namespace

Shapes flatten(const ShapeContext& c) {
  const Shape& x = c.inputs[0];
  // Unlike other operators, axis may equal the rank.
  const int64_t stated = attr_int(c.node, "axis", 1);
  const size_t axis =
      stated == rank(x) ? x.size() : static_cast<size_t>(normalized_axis(c.node, stated, rank(x)));
  const std::span<const Dim> dims(x);
  return {{flattened(c.node, dims.first(axis)), flattened(c.node, dims.subspan(axis))}};
}

Shapes reshape(const ShapeContext& c) {
  const Shape& x = c.inputs[0];
  const bool allow_zero = attr_int(c.node, "allowzero", 0) != 0;
  const SizeEntries& target = sizes_of(c, 1, "shape");
  Shape out;
  int inferred = -1;
  for (size_t i = 0; i < target.size(); ++i) {
    if (target[i].known() && target[i].value == -1 && inferred < 0) {
      inferred = static_cast<int>(i);
      out.emplace_back(1);
    } else if (target[i].known() && target[i].value == 0 && !allow_zero) {
      if (i >= x.size()) throw Error(c.node.name, "Reshape copies a dimension that is not there");
      out.push_back(x[i]);
    } else {
      out.push_back(dim_of(c, target[i]));
    }
  }
  if (inferred >= 0) {
    out[static_cast<size_t>(inferred)] = inferred_dim(c.node, x, out);
  } else if (!same_elements(c.node, x, out)) {
    throw Error(c.node.name, "Reshape of " + to_string(x) + " to " + to_string(out));
  }
  return {out};
}

Shapes transpose(const ShapeContext& c) {
  const Shape& x = c.inputs[0];
  std::vector<int64_t> reversed;
  for (int i = rank(x) - 1; i >= 0; --i) reversed.push_back(i);
  const std::vector<int64_t> perm = attr_ints(c.node, "perm", reversed);
  if (perm.size() != x.size()) {
    throw Error(c.node.name, "perm " + to_string(perm) + " for input " + to_string(x));
  }
  normalized_axes(c.node, perm, rank(x));  // refuses what is no permutation
  Shape out;
  for (const int64_t axis : perm) {
    if (axis < 0) throw Error(c.node.name, "perm holds " + std::to_string(axis));
    out.push_back(x[static_cast<size_t>(axis)]);
  }
  return {out};
}

Shapes concat(const ShapeContext& c) {
  Shape out = c.inputs[0];
  if (!c.node.attributes.contains("axis")) throw Error(c.node.name, "Concat has no axis");
  const auto axis =
      static_cast<size_t>(normalized_axis(c.node, attr_int(c.node, "axis", 0), rank(out)));
  // A growing state has a symbolic size: past and 1 more make "past+1".
  int64_t known = 0;
  std::string symbols;
  for (const DType dtype : c.dtypes) {
    if (dtype != c.dtypes[0]) throw Error(c.node.name, "Concat of two element types");
  }
  for (const Shape& x : c.inputs) {
    for (size_t i = 0; i < std::max(x.size(), out.size()); ++i) {
      if (x.size() != out.size() || (i != axis && x[i] != out[i])) {
        throw Error(c.node.name, "Concat of " + to_string(c.inputs[0]) + " and " + to_string(x));
      }
    }
    if (x[axis].known()) {
      known = checked_add(known, x[axis].size, c.node.name);
    } else {
      symbols += (symbols.empty() ? "" : "+") + x[axis].symbol;
    }
  }
  out[axis] = symbols.empty() ? Dim(known)
                              : Dim(known == 0 ? symbols : symbols + "+" + std::to_string(known));
  return {out};
}

Shapes squeeze(const ShapeContext& c) {
  const Shape& x = c.inputs[0];
  std::vector<bool> dropped(x.size());
  if (has(c, 1)) {
    for (const int axis : normalized_axes(c.node, constant_ints(c, 1, "axes"), rank(x))) {
      const Dim& dim = x[static_cast<size_t>(axis)];
      if (dim != Dim(1))
        throw Error(c.node.name, "Squeeze of axis " + std::to_string(axis) + " of " + to_string(x));
      dropped[static_cast<size_t>(axis)] = true;
    }
  } else {
    for (size_t i = 0; i < x.size(); ++i) dropped[i] = x[i] == Dim(1);
  }
  Shape out;
  for (size_t i = 0; i < x.size(); ++i) {
    if (!dropped[i]) out.push_back(x[i]);
  }
  return {out};
}

Shapes unsqueeze(const ShapeContext& c) {
  const std::vector<int64_t> axes = constant_ints(c, 1, "axes");
  Shape out = c.inputs[0];
  // Axes count in the output; inserting in ascending order puts each where it belongs.
  for (const int axis : normalized_axes(c.node, axes, rank(out) + static_cast<int>(axes.size()))) {
    out.insert(out.begin() + axis, Dim(1));
  }
  return {out};
}

}  // namespace pare::ir::rules
