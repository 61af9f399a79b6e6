// SPDX-License-Identifier: Apache-2.0
#include "lib/ir/bind.hpp"

#include <algorithm>
#include <cmath>

#include "lib/core/error.hpp"

namespace pare::ir {

namespace {

ValueId input_called(const Graph& graph, const std::string& name) {
  for (const ValueId id : graph.inputs) {
    if (graph.value(id).name == name) return id;
  }
  throw Error(name, "the graph has no input of this name");
}

bool fits(const Shape& shape, const Dims& dims) {
  bool same = shape.size() == dims.size();
  for (size_t i = 0; same && i < dims.size(); ++i) {
    same = !shape[i].known() || shape[i].size == dims[i];
  }
  return same;
}

// Dims of `shape` when it holds `count` elements.
Dims dims_for(const std::string& name, const Shape& shape, int64_t count) {
  Dims dims;
  int64_t known = 1;
  int unknown = 0;
  for (const Dim& dim : shape) {
    dims.push_back(dim.size);
    if (!dim.known()) ++unknown;
    if (dim.known()) known = element_count(std::vector<int64_t>{known, dim.size}, name);
  }
  const bool divides = unknown == 1 && known > 0 && count % known == 0;
  if (unknown > 1 || (unknown == 1 && !divides) || (unknown == 0 && known != count && count != 1)) {
    throw Error(name,
                "is " + to_string(shape) + " and cannot take " + std::to_string(count) + " values");
  }
  for (int64_t& dim : dims) dim = dim < 0 ? count / known : dim;
  return dims;
}

template <class T>
Tensor integers(const std::string& name, DType dtype, Dims dims, std::span<const double> values) {
  std::vector<T> out;
  for (const double value : values) {
    // 2^53: beyond it a double no longer names one integer.
    const bool whole = std::nearbyint(value) == value && std::abs(value) <= 9007199254740992.0;
    if (!whole || value < static_cast<double>(min_code(dtype)) ||
        value > static_cast<double>(max_code(dtype))) {
      throw Error(name, std::to_string(value) + " is no " + std::string(name_of(dtype)));
    }
    out.push_back(static_cast<T>(value));
  }
  out.resize(static_cast<size_t>(element_count(dims)), out.empty() ? T{} : out.front());
  return Tensor::of<T>(dtype, std::move(dims), out);
}

Tensor converted(const std::string& name, DType dtype, Dims dims, std::span<const double> values) {
  switch (dtype) {
    case DType::kF32: {
      std::vector<float> floats(values.begin(), values.end());
      floats.resize(static_cast<size_t>(element_count(dims)), floats.empty() ? 0 : floats.front());
      return Tensor::f32(std::move(dims), floats);
    }
    case DType::kI64:
      return integers<int64_t>(name, dtype, std::move(dims), values);
    case DType::kI32:
      return integers<int32_t>(name, dtype, std::move(dims), values);
    case DType::kI16:
      return integers<int16_t>(name, dtype, std::move(dims), values);
    case DType::kI8:
      return integers<int8_t>(name, dtype, std::move(dims), values);
    case DType::kU8:
    case DType::kBool:
      return integers<uint8_t>(name, dtype, std::move(dims), values);
    default:
      throw Error(name, "values of " + std::string(name_of(dtype)) + " cannot be bound");
  }
}

}  // namespace

void bind_input(Model& model, Graph& graph, const std::string& name, Tensor tensor) {
  const ValueId id = input_called(graph, name);
  Value& value = graph.value(id);
  if (tensor.dtype() != value.dtype || !fits(value.shape, tensor.dims())) {
    throw Error(name, "is " + std::string(name_of(value.dtype)) + " " + to_string(value.shape) +
                          ", bound to " + std::string(name_of(tensor.dtype())) + " " +
                          to_string(tensor.dims()));
  }
  for (const StatePair& state : graph.states) {
    if (state.input == id) throw Error(name, "carries state and cannot be bound");
  }
  std::string parameter = name;
  while (model.parameters.contains(parameter)) parameter += ".bound";
  value.shape = shape_of(tensor.dims());
  value.parameter = parameter;
  model.parameters.set(parameter, std::move(tensor));
  std::erase(graph.inputs, id);
}

void bind_input(Model& model, Graph& graph, const std::string& name,
                std::span<const double> values) {
  const Value& value = graph.value(input_called(graph, name));
  const Dims dims = dims_for(name, value.shape, static_cast<int64_t>(values.size()));
  bind_input(model, graph, name, converted(name, value.dtype, dims, values));
}

}  // namespace pare::ir
