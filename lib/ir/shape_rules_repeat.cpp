// SPDX-License-Identifier: Apache-2.0
// Shapes of operators that repeat or divide: Expand, Tile, Split, and blocks of depth and space.
#include "lib/core/checked.hpp"
#include "lib/core/error.hpp"
#include "lib/ir/geometry.hpp"
#include "lib/ir/shape_rules.hpp"

namespace pare::ir::rules {

Shapes expand(const ShapeContext& c) {
  Shape target;
  for (const SizeEntry& entry : sizes_of(c, 1, "shape")) target.push_back(dim_of(c, entry));
  return {broadcast(c.node, c.inputs[0], target)};
}

Shapes tile(const ShapeContext& c) {
  Shape out = c.inputs[0];
  const auto repeats = constant_ints(c, 1, "repeats");
  if (repeats.size() != out.size()) {
    throw Error(c.node.name, "repeats " + to_string(repeats) + " for " + to_string(out));
  }
  for (size_t i = 0; i < out.size(); ++i) {
    if (repeats[i] == 1) continue;
    if (!out[i].known() || repeats[i] < 0) {
      throw Error(c.node.name, "repeats " + to_string(repeats) + " for " + to_string(out));
    }
    out[i] = Dim(checked_mul(out[i].size, repeats[i], c.node.name));
    if (out[i].size > kLargestDim) throw Error(c.node.name, "Tile to " + to_string(out));
  }
  return {out};
}

// Sizes from the second input, else equal parts, the last one smaller when they do not divide.
Shapes split(const ShapeContext& c) {
  const Shape& x = input_of_rank(c, 0, 1);
  const auto axis =
      static_cast<size_t>(normalized_axis(c.node, attr_int(c.node, "axis", 0), rank(x)));
  const auto parts = static_cast<int64_t>(c.node.outputs.size());
  if (!x[axis].known()) throw Error(c.node.name, "Split of dimension " + x[axis].symbol);
  const int64_t length = x[axis].size;
  std::vector<int64_t> sizes;
  if (has(c, 1)) {
    sizes = constant_ints(c, 1, "split");
  } else {
    if (attr_int(c.node, "num_outputs", parts) != parts || parts == 0) {
      throw Error(c.node.name, "num_outputs is not the number of outputs");
    }
    const int64_t each = length / parts + (length % parts != 0 ? 1 : 0);
    for (int64_t i = 0, left = length; i < parts; ++i, left -= each) {
      sizes.push_back(std::clamp<int64_t>(left, 0, each));
    }
  }
  int64_t total = 0;
  Shapes out;
  for (const int64_t size : sizes) {
    if (size < 0) throw Error(c.node.name, "Split into " + to_string(sizes));
    total = checked_add(total, size, c.node.name);
    out.push_back(x);
    out.back()[axis] = Dim(size);
  }
  if (total != length || static_cast<int64_t>(sizes.size()) != parts) {
    throw Error(c.node.name, "Split of " + to_string(x) + " into " + to_string(sizes));
  }
  return out;
}

namespace {

int64_t block_of(const ShapeContext& c) {
  const int64_t block = attr_int(c.node, "blocksize", 0);
  const Shape& x = c.inputs[0];
  if (rank(x) != 4 || block < 1 || block > 65536 || !x[1].known() || !x[2].known() ||
      !x[3].known()) {
    throw Error(c.node.name,
                c.node.op + " of " + to_string(x) + " in blocks of " + std::to_string(block));
  }
  return block;
}

}  // namespace

Shapes depth_to_space(const ShapeContext& c) {
  const int64_t block = block_of(c);
  const Shape& x = c.inputs[0];
  const std::string mode = attr_string(c.node, "mode", "DCR");
  if (x[1].size % (block * block) != 0 || (mode != "DCR" && mode != "CRD")) {
    throw Error(c.node.name, "DepthToSpace " + mode + " of " + to_string(x) + " in blocks of " +
                                 std::to_string(block));
  }
  return {{x[0], Dim(x[1].size / (block * block)), Dim(checked_mul(x[2].size, block, c.node.name)),
           Dim(checked_mul(x[3].size, block, c.node.name))}};
}

Shapes space_to_depth(const ShapeContext& c) {
  const int64_t block = block_of(c);
  const Shape& x = c.inputs[0];
  if (x[2].size % block != 0 || x[3].size % block != 0) {
    throw Error(c.node.name,
                "SpaceToDepth of " + to_string(x) + " in blocks of " + std::to_string(block));
  }
  return {{x[0], Dim(checked_mul(x[1].size, block * block, c.node.name)), Dim(x[2].size / block),
           Dim(x[3].size / block)}};
}

}  // namespace pare::ir::rules
