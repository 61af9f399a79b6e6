// SPDX-License-Identifier: Apache-2.0
// Shapes of arithmetic: element by element, matrix products; element types of outputs.
#include <cctype>
#include <map>

#include "lib/core/error.hpp"
#include "lib/ir/einsum.hpp"
#include "lib/ir/geometry.hpp"
#include "lib/ir/shape_rules.hpp"

namespace pare::ir::rules {

const Shape& input_of_rank(const ShapeContext& c, int input, int at_least) {
  const Shape& shape = c.inputs[static_cast<size_t>(input)];
  if (rank(shape) < at_least) {
    throw Error(c.node.name, c.node.op + " input " + std::to_string(input) + " " +
                                 to_string(shape) + " should have at least " +
                                 std::to_string(at_least) + " dimensions");
  }
  return shape;
}

std::vector<int64_t> constant_ints(const ShapeContext& c, int input, const char* what) {
  const Tensor* tensor = c.constant(input);
  if (!tensor) throw Error(c.node.name, std::string(what) + " should be a constant");
  if (tensor->dims().size() > 1 || tensor->count() > 64) {
    throw Error(c.node.name, std::string(what) + " has shape " + to_string(tensor->dims()));
  }
  return to_i64(*tensor, c.node.name);
}

const SizeEntries& sizes_of(const ShapeContext& c, int input, const char* what) {
  const SizeEntries* sizes = c.sizes(input);
  if (!sizes) throw Error(c.node.name, std::string(what) + " should be a constant");
  return *sizes;
}

Dim dim_of(const ShapeContext& c, const SizeEntry& entry) {
  if (!entry.known()) return Dim(entry.symbol);
  if (entry.value < 0 || entry.value > kLargestDim) {
    throw Error(c.node.name, "a dimension of " + std::to_string(entry.value));
  }
  return Dim(entry.value);
}

Shapes same(const ShapeContext& c) { return {c.inputs[0]}; }

Shapes elementwise(const ShapeContext& c) {
  Shape out = c.inputs[0];
  for (const DType dtype : c.dtypes) {
    if (dtype == c.dtypes[0]) continue;
    throw Error(c.node.name, c.node.op + " of " + std::string(name_of(c.dtypes[0])) + " and " +
                                 std::string(name_of(dtype)));
  }
  for (size_t i = 1; i < c.inputs.size(); ++i) out = broadcast(c.node, out, c.inputs[i]);
  return {out};
}

Shapes power(const ShapeContext& c) { return {broadcast(c.node, c.inputs[0], c.inputs[1])}; }

Shapes where(const ShapeContext& c) {
  if (c.dtypes[1] != c.dtypes[2]) throw Error(c.node.name, "Where of two element types");
  return {broadcast(c.node, broadcast(c.node, c.inputs[0], c.inputs[1]), c.inputs[2])};
}

Shapes slope(const ShapeContext& c) {
  if (broadcast(c.node, c.inputs[0], c.inputs[1]) != c.inputs[0]) {
    throw Error(c.node.name,
                "slope " + to_string(c.inputs[1]) + " for input " + to_string(c.inputs[0]));
  }
  return {c.inputs[0]};
}

Shapes clip(const ShapeContext& c) {
  for (size_t i = 1; i < c.inputs.size(); ++i) {
    if (has(c, i) && !c.inputs[i].empty()) {
      throw Error(c.node.name, "limits of Clip are scalars, found " + to_string(c.inputs[i]));
    }
  }
  return {c.inputs[0]};
}

Shapes along_axis(const ShapeContext& c) {
  normalized_axis(c.node, attr_int(c.node, "axis", -1), rank(c.inputs[0]));
  return {c.inputs[0]};
}

Shapes gemm(const ShapeContext& c) {
  const Shape& a = input_of_rank(c, 0, 2);
  const Shape& b = input_of_rank(c, 1, 2);
  const bool trans_a = attr_int(c.node, "transA", 0) != 0;
  const bool trans_b = attr_int(c.node, "transB", 0) != 0;
  const Dim& inner_a = a[trans_a ? 0 : 1];
  const Dim& inner_b = b[trans_b ? 1 : 0];
  if (a.size() != 2 || b.size() != 2 || inner_a != inner_b) {
    throw Error(c.node.name, "Gemm of " + to_string(a) + (trans_a ? "^T" : "") + " and " +
                                 to_string(b) + (trans_b ? "^T" : ""));
  }
  Shape out{a[trans_a ? 1 : 0], b[trans_b ? 0 : 1]};
  if (has(c, 2) && broadcast(c.node, out, c.inputs[2]) != out) {
    throw Error(c.node.name,
                "Gemm bias " + to_string(c.inputs[2]) + " does not broadcast to " + to_string(out));
  }
  return {out};
}

Shapes einsum(const ShapeContext& c) {
  const Equation equation = equation_of(c.node);
  if (equation.terms.size() != c.inputs.size()) {
    throw Error(c.node.name, "equation has " + std::to_string(equation.terms.size()) +
                                 " terms for " + std::to_string(c.inputs.size()) + " inputs");
  }
  std::map<char, Dim> dims;
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    const std::string& term = equation.terms[i];
    if (term.size() != c.inputs[i].size()) {
      throw Error(c.node.name, "term " + term + " for " + to_string(c.inputs[i]));
    }
    for (size_t d = 0; d < term.size(); ++d) {
      const auto [it, added] = dims.emplace(term[d], c.inputs[i][d]);
      const bool letter = std::isalpha(static_cast<unsigned char>(term[d])) != 0;
      if (!letter || it->second != c.inputs[i][d]) {
        throw Error(c.node.name, "term " + term + " for " + to_string(c.inputs[i]));
      }
    }
  }
  Shape out;
  for (const char letter : equation.output) {
    const auto it = dims.find(letter);
    if (it == dims.end()) throw Error(c.node.name, "output names " + std::string(1, letter));
    out.push_back(it->second);
  }
  return {out};
}

Shapes matmul(const ShapeContext& c) {
  Shape a = input_of_rank(c, 0, 1);
  Shape b = input_of_rank(c, 1, 1);
  const bool vector_a = a.size() == 1;
  const bool vector_b = b.size() == 1;
  if (vector_a) a.insert(a.begin(), Dim(1));
  if (vector_b) b.push_back(Dim(1));
  if (a[a.size() - 1] != b[b.size() - 2]) {
    throw Error(c.node.name,
                "MatMul of " + to_string(c.inputs[0]) + " and " + to_string(c.inputs[1]));
  }
  Shape out = broadcast(c.node, Shape(a.begin(), a.end() - 2), Shape(b.begin(), b.end() - 2));
  if (!vector_a) out.push_back(a[a.size() - 2]);
  if (!vector_b) out.push_back(b.back());
  return {out};
}

namespace types {

DType boolean(const ShapeContext&, size_t) { return DType::kBool; }
DType i64(const ShapeContext&, size_t) { return DType::kI64; }
DType f32(const ShapeContext&, size_t) { return DType::kF32; }

namespace {
DType stated_or(const ShapeContext& c, DType fallback) {
  const char* key = c.node.attributes.contains("to") ? "to" : "dtype";
  const std::string name = attr_string(c.node, key, std::string(name_of(fallback)));
  const auto dtype = dtype_from_name(name);
  if (!dtype || info(*dtype).bits < 8) throw Error(c.node.name, "element type " + name);
  return info(*dtype).is_float ? DType::kF32 : *dtype;
}
}  // namespace

DType stated(const ShapeContext& c, size_t) { return stated_or(c, c.dtypes[0]); }
DType stated_or_f32(const ShapeContext& c, size_t) { return stated_or(c, DType::kF32); }
DType of_input_1(const ShapeContext& c, size_t) { return c.dtypes[1]; }
DType of_input_2(const ShapeContext& c, size_t) { return c.dtypes[2]; }
DType then_i64(const ShapeContext& c, size_t output) {
  return output == 0 ? c.dtypes[0] : DType::kI64;
}
DType then_bool(const ShapeContext& c, size_t output) {
  return output == 0 ? c.dtypes[0] : DType::kBool;
}
DType of_constant(const ShapeContext& c, size_t) {
  const Attribute& value = c.node.attributes.begin()->second;
  const bool whole =
      std::holds_alternative<int64_t>(value) || std::holds_alternative<std::vector<int64_t>>(value);
  return whole ? DType::kI64 : DType::kF32;
}

}  // namespace types

}  // namespace pare::ir::rules
