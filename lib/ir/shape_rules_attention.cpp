// SPDX-License-Identifier: Apache-2.0
// Shapes of Attention and RotaryEmbedding: heads as a dimension of their own, or packed into the
// last.
#include "lib/core/checked.hpp"
#include "lib/core/error.hpp"
#include "lib/ir/geometry.hpp"
#include "lib/ir/shape_rules.hpp"

namespace pare::ir::rules {

namespace {

// [batch, heads, time, size], from that or from [batch, time, heads * size].
Shape by_heads(const ShapeContext& c, size_t input, const char* heads_key) {
  const Shape& x = c.inputs[input];
  if (x.size() == 4) return x;
  const int64_t heads = attr_int(c.node, heads_key, 0);
  if (x.size() != 3 || heads < 1 || !x[2].known() || x[2].size % heads != 0) {
    throw Error(c.node.name,
                c.node.op + " of " + to_string(x) + " in " + std::to_string(heads) + " heads");
  }
  return {x[0], Dim(heads), x[1], Dim(x[2].size / heads)};
}

[[noreturn]] void refuse(const ShapeContext& c, const char* what) {
  throw Error(c.node.name, std::string(what) + " of " + c.node.op + " do not fit: " +
                               to_string(c.inputs[0]) + ", " + to_string(c.inputs[1]));
}

// Past and present keys on one axis.
Dim joined(const ShapeContext& c, const Dim& past, const Dim& now) {
  if (!past.known() || !now.known()) return Dim(past.symbol + "+" + to_string(Shape{now}));
  return Dim(checked_add(past.size, now.size, c.node.name));
}

void check_mask(const ShapeContext& c, const Shape& scores) {
  const Shape& mask = c.inputs[3];
  bool fits = !mask.empty() && mask.size() <= 4;
  for (size_t d = 0; fits && d < mask.size(); ++d) {
    const Dim& against = scores[d + 4 - mask.size()];
    const bool shorter = d + 1 == mask.size() && mask[d].known() && against.known() &&
                         mask[d].size <= against.size && mask[d].size > 0;
    fits = mask[d] == Dim(1) || mask[d] == against || shorter;
  }
  const bool typed = c.dtypes[3] == DType::kF32 || c.dtypes[3] == DType::kBool;
  if (!fits || !typed) {
    throw Error(c.node.name, "mask " + to_string(mask) + " for scores " + to_string(scores));
  }
}

}  // namespace

// Outputs: Y shaped like Q with the size of V, present keys, present values, scores.
Shapes attention(const ShapeContext& c) {
  const Shape q = by_heads(c, 0, "q_num_heads");
  const Shape k = by_heads(c, 1, "kv_num_heads");
  const Shape v = by_heads(c, 2, "kv_num_heads");
  const bool heads = q[1].known() && k[1].known() && k[1].size > 0 && q[1].size % k[1].size == 0;
  if (!heads || q[0] != k[0] || q[3] != k[3] || v[1] != k[1] || v[2] != k[2] || v[0] != k[0]) {
    refuse(c, "queries, keys and values");
  }
  Dim total = k[2];
  if (has(c, 4) != has(c, 5)) refuse(c, "past keys and values");
  if (has(c, 4)) {
    const Shape& past = c.inputs[4];
    if (past.size() != 4 || c.inputs[5] != Shape{past[0], v[1], past[2], v[3]} ||
        past != Shape{k[0], k[1], past[2], k[3]}) {
      refuse(c, "past keys and values");
    }
    total = joined(c, past[2], k[2]);
  }
  const Shape scores{q[0], q[1], q[2], total};
  if (has(c, 3)) check_mask(c, scores);
  if (has(c, 6) && (c.inputs[6] != Shape{q[0]} || c.dtypes[6] != DType::kI64)) {
    refuse(c, "lengths of keys");
  }
  Shape y{q[0], q[1], q[2], v[3]};
  if (c.inputs[0].size() == 3) {
    if (!v[3].known()) refuse(c, "values");
    y = {q[0], q[2], Dim(checked_mul(q[1].size, v[3].size, c.node.name))};
  }
  return {y, {k[0], k[1], total, k[3]}, {v[0], v[1], total, v[3]}, scores};
}

Shapes rotary_embedding(const ShapeContext& c) {
  const Shape x = by_heads(c, 0, "num_heads");
  const int64_t stated = attr_int(c.node, "rotary_embedding_dim", 0);
  const int64_t size = stated == 0 ? x[3].size : stated;
  Shape cache{x[0], x[2], Dim(size / 2)};
  if (has(c, 3)) {
    if (c.inputs[3] != Shape{x[0], x[2]}) refuse(c, "position ids");
    cache = {input_of_rank(c, 1, 2)[0], Dim(size / 2)};
  }
  const bool even = x[3].known() && size > 0 && size % 2 == 0 && size <= x[3].size;
  if (!even || c.inputs[1] != cache || c.inputs[2] != cache || cache[0] == Dim(0)) {
    refuse(c, "caches");
  }
  return {c.inputs[0]};
}

}  // namespace pare::ir::rules
