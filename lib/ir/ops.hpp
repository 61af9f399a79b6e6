// SPDX-License-Identifier: Apache-2.0
// The operator table: one row an operator. Everything the rest of the program must know about an
// operator that is not how to compute it stands here. Computation is looked up by the same name in
// lib/runtime/kernels/kernels.cpp and lib/train/torch_ops.cpp.
#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "lib/ir/graph.hpp"
#include "lib/ir/model.hpp"

namespace pare::ir {

// How an operator runs when its inputs and outputs carry quantization.
enum class IntegerRule : uint8_t {
  kNone,         // float only: runs dequantized
  kLinear,       // weight codes x activation codes, i32 accumulation (Conv, Gemm, MatMul)
  kElementwise,  // codes rescaled to the output's scale (Add, Mul, Concat)
  kPassThrough,  // codes move unchanged, output takes the input's scale (MaxPool, Reshape,
                 // Transpose)
  kAverage,      // i32 sum of codes, rescaled (AveragePool, GlobalAveragePool, ReduceMean)
  kTable,        // a 256-entry table (Sigmoid, HardSwish, ...)
};

// Element types that input 0 may have. Numbers are f32 and the integers of at least 8 bits.
enum class TypeSet : uint8_t { kFloat, kNumber, kInteger, kBool, kAny };
std::string_view name_of(TypeSet types);

// An element of a value that holds sizes: a number, or a symbol that a session fixes.
struct SizeEntry {
  int64_t value = 0;
  std::string symbol;
  bool known() const { return symbol.empty(); }
};
using SizeEntries = std::vector<SizeEntry>;

// Inputs of one shape-rule call: shapes, and values of inputs that are constant (axes, shapes),
// null otherwise.
struct ShapeContext {
  const Node& node;
  std::span<const Shape> inputs;  // an absent optional input has shape {} and `present` false
  std::span<const bool> present;
  std::span<const DType> dtypes;               // an absent input has that of input 0
  std::function<const Tensor*(int)> constant;  // parameter tensor of input i, or null
  // What is known of the elements of integer input i, symbols included, or null: its constant, or
  // what Shape and the operators after it make of known dimensions.
  std::function<const SizeEntries*(int)> sizes;
};

struct OpRow {
  std::string_view name;
  int min_inputs;
  int max_inputs;  // -1: any number
  int min_outputs;
  int max_outputs;  // -1: any number. Outputs nobody wants at the end may be left out, others are
                    // values without a use
  TypeSet types;
  IntegerRule integer;
  // Which output dimension follows which input dimension, einsum-like: one term an input, letters
  // name dimensions, '*' the rest position by position (counted from the back, as broadcasting
  // does), '~' a rest that is not followed (windows change it): Conv "nc~,oc~,o->no~". Empty: it
  // depends on attributes, or nothing is followed. Query it through dimension_map.hpp.
  std::string_view dimension_map;
  std::span<const std::string_view> attributes;  // names understood; others are refused
  std::vector<Shape> (*infer)(const ShapeContext&);
  // Element type of output `i`; null: that of input 0.
  DType (*type)(const ShapeContext&, size_t output) = nullptr;
  // Bit i: input i has to be a constant, because it decides a shape or how elements move
  // (bind_input() makes one of a graph input). Sizes may also be made of shapes.
  uint32_t constant_inputs = 0;
  int weight_input = -1;       // which input is the weight (-1: none) ...
  int weight_output_axis = 0;  // ... and its axis of output channels (Gemm: see transB)
};

std::span<const OpRow> all_ops();
// Null when unknown.
const OpRow* find_op(std::string_view name);
// Axis of output channels in the weight of this node, attributes considered; -1: takes no weight.
int weight_output_axis(const Node& node, int weight_rank);
// Whether training goes through the operator (lib/train/torch_ops.hpp has a row for it).
bool is_differentiable(const OpRow& row);
inline bool wants_constant(const OpRow& row, size_t input) {
  return input < 32 && (row.constant_inputs >> input & 1U) != 0;
}

// Sets shape and dtype of every value from the inputs' shapes; throws Error(node) when shapes do
// not fit, an operator is unknown or a parameter is missing. Idempotent. Floating values are f32
// whatever their parameters are stored as. An operand that decides a shape (axes, the target of
// Reshape) must be a parameter, a Constant node or made of shapes. One node at a time: infer.hpp.
void infer_shapes(const Model& model, Graph& graph);

// Structural checks after every pass and every read: known ops and attributes, arity, topological
// order, names unique, parameters exist with the shapes the graph says, inferred shapes agree with
// stored ones, state pairs agree, activation scales finite and positive, zero points in range.
// Reads no tensor bytes but those of constant operands that decide shapes. Throws Error(node or
// value).
void verify(const Model& model);

// A readable listing of graph and parameters, one node a line: `pare inspect --graph` and test
// goldens.
std::string dump(const Model& model);

}  // namespace pare::ir
