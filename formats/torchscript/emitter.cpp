// SPDX-License-Identifier: Apache-2.0
#include "formats/torchscript/emitter.hpp"

#include <algorithm>
#include <sstream>

#include <ATen/ops/scalar_tensor.h>

#include "lib/core/error.hpp"

namespace pare::formats::torchscript {

namespace {

ir::DType dtype_of(const at::Tensor& tensor, const std::string& name) {
  switch (tensor.scalar_type()) {
    case at::kFloat:
    case at::kDouble:
      return ir::DType::kF32;
    case at::kHalf:
      return ir::DType::kF16;
    case at::kBFloat16:
      return ir::DType::kBF16;
    case at::kLong:
      return ir::DType::kI64;
    case at::kInt:
      return ir::DType::kI32;
    case at::kShort:
      return ir::DType::kI16;
    case at::kChar:
      return ir::DType::kI8;
    case at::kByte:
      return ir::DType::kU8;
    case at::kBool:
      return ir::DType::kBool;
    default:
      throw Error(name, std::string("is a tensor of ") + c10::toString(tensor.scalar_type()) +
                            ", which a model does not hold");
  }
}

ir::Tensor stored(const at::Tensor& tensor, const std::string& name) {
  if (tensor.layout() != at::kStrided || tensor.is_quantized()) {
    throw Error(name, "is a quantized or sparse tensor of PyTorch, which is not read");
  }
  const ir::DType dtype = dtype_of(tensor, name);
  at::Tensor plain = tensor.detach().cpu().contiguous();
  if (plain.scalar_type() == at::kDouble) plain = plain.to(at::kFloat);
  const auto owner = std::make_shared<const at::Tensor>(plain);
  const std::span<const std::byte> bytes(static_cast<const std::byte*>(plain.data_ptr()),
                                         plain.nbytes());
  return {dtype, plain.sizes().vec(), ir::Buffer::mapped(bytes, owner)};
}

}  // namespace

std::string Emitter::unique(const std::string& name) {
  std::string out = name;
  for (int again = 2; !names_.insert(out).second; ++again) {
    out = name + "_" + std::to_string(again);
  }
  return out;
}

ir::ValueId Emitter::input(const std::string& name, ir::Shape shape, ir::DType dtype) {
  return graph_.add_input(unique(name), std::move(shape), dtype);
}

std::vector<ir::ValueId> Emitter::put_many(const std::string& op, std::vector<ir::ValueId> inputs,
                                           Attributes attributes, int outputs) {
  std::string stem = op;
  std::ranges::transform(stem, stem.begin(), [](unsigned char c) { return std::tolower(c); });
  const std::string name = unique(scope.empty() ? stem : scope + "." + stem);
  graph_.add(op, std::move(inputs), std::move(attributes), name, outputs);
  const ir::Node& node = graph_.nodes().back();
  inference_.visit(node);
  return node.outputs;
}

ir::ValueId Emitter::put(const std::string& op, std::vector<ir::ValueId> inputs,
                         Attributes attributes) {
  return put_many(op, std::move(inputs), std::move(attributes), 1).front();
}

ir::ValueId Emitter::parameter(const at::Tensor& tensor, const std::string& role) {
  const void* key = tensor.unsafeGetTensorImpl();
  Known& known = known_[key];
  if (known.id.valid()) return known.id;
  known.tensor = tensor;
  if (known.name.empty()) known.name = scope.empty() ? role : scope + "." + role;
  const std::string name = unique(known.name);
  ir::Tensor value = stored(tensor, name);
  known.id = graph_.add_parameter(name, value.dtype(), value.dims());
  // Floating values are f32 in a graph, whatever they are stored as.
  if (ir::info(value.dtype()).is_float) graph_.value(known.id).dtype = ir::DType::kF32;
  model_.parameters.set(name, std::move(value));
  return known.id;
}

ir::ValueId Emitter::scalar(double value, ir::DType dtype) {
  const auto [known, fresh] = scalars_.try_emplace({value, dtype});
  if (!fresh) return known->second;
  std::ostringstream name;
  name << "constant." << value;
  const std::string parameter = unique(name.str());
  const bool floating = dtype == ir::DType::kF32;
  const at::Tensor tensor = floating                    ? at::scalar_tensor(value, at::kFloat)
                            : dtype == ir::DType::kI32  ? at::scalar_tensor(value, at::kInt)
                            : dtype == ir::DType::kBool ? at::scalar_tensor(value, at::kBool)
                                                        : at::scalar_tensor(value, at::kLong);
  known->second = graph_.add_parameter(parameter, dtype, {});
  model_.parameters.set(parameter, stored(tensor, parameter));
  return known->second;
}

ir::ValueId Emitter::integers(const std::vector<int64_t>& values) {
  return put("Constant", {}, {{"value_ints", values}});
}

ir::ValueId Emitter::shape_value(const ir::Shape& target) {
  const bool known = std::ranges::all_of(target, [](const ir::Dim& d) { return d.known(); });
  if (known) return integers(ir::known_dims(target, "shape"));
  std::vector<ir::ValueId> parts;
  for (const ir::Dim& dim : target) {
    if (dim.known()) {
      parts.push_back(integers({dim.size}));
      continue;
    }
    for (const ir::ValueId from : graph_.inputs) {
      const ir::Shape& sizes = shape(from);
      const auto at = std::ranges::find(sizes, dim);
      if (at == sizes.end()) continue;
      const int64_t axis = at - sizes.begin();
      parts.push_back(put("Shape", {from}, {{"start", axis}, {"end", axis + 1}}));
      break;
    }
  }
  require(parts.size() == target.size(), "every symbol is a dimension of an input");
  return parts.size() == 1 ? parts.front() : put("Concat", parts, {{"axis", int64_t{0}}});
}

ir::ValueId Emitter::reshape(ir::ValueId x, const ir::Shape& target) {
  // 0 keeps a dimension where it stands, -1 takes what is left: one symbol of either kind.
  std::vector<int64_t> sizes;
  const ir::Shape& from = shape(x);
  bool simple = true;
  for (size_t i = 0; i < target.size(); ++i) {
    if (target[i].known() && target[i].size != 0) {
      sizes.push_back(target[i].size);
    } else if (i < from.size() && target[i] == from[i]) {
      sizes.push_back(0);
    } else if (!target[i].known() && std::ranges::find(sizes, -1) == sizes.end()) {
      sizes.push_back(-1);
    } else {
      simple = false;
    }
  }
  if (simple) return put("Reshape", {x, integers(sizes)});
  return put("Reshape", {x, shape_value(target)}, {{"allowzero", int64_t{1}}});
}

ir::ValueId Emitter::cast(ir::ValueId x, ir::DType to) {
  if (dtype(x) == to) return x;
  return put("Cast", {x}, {{"to", std::string(ir::name_of(to))}});
}

void Emitter::name_tensor(const at::Tensor& tensor, const std::string& name) {
  Known& known = known_[tensor.unsafeGetTensorImpl()];
  known.tensor = tensor;
  if (known.name.empty()) known.name = name;
}

std::string Emitter::name_of(const at::Tensor& tensor) const {
  const auto it = known_.find(tensor.unsafeGetTensorImpl());
  return it == known_.end() ? "" : it->second.name;
}

std::vector<ir::Node> Emitter::needed_nodes() const {
  std::set<ir::ValueId> needed(graph_.outputs.begin(), graph_.outputs.end());
  std::vector<ir::Node> kept;
  for (size_t i = graph_.nodes().size(); i-- > 0;) {
    const ir::Node& node = graph_.nodes()[i];
    if (std::ranges::none_of(node.outputs, [&](ir::ValueId id) { return needed.contains(id); })) {
      continue;
    }
    needed.insert(node.inputs.begin(), node.inputs.end());
    kept.push_back(node);
  }
  std::ranges::reverse(kept);
  return kept;
}

bool Emitter::drop_if_unused(ir::ValueId input) {
  if (!graph_.consumers(input).empty()) return false;
  std::erase(graph_.inputs, input);
  return true;
}

ir::Model Emitter::finish(const std::vector<Output>& outputs) {
  scope.clear();
  for (auto [name, id, state] : outputs) {
    // An output is made by a node of its own and has one name.
    const bool taken = std::ranges::find(graph_.outputs, id) != graph_.outputs.end();
    if (taken || !graph_.producer(id).valid()) id = put("Identity", {id});
    graph_.value(id).name = unique(name);
    graph_.outputs.push_back(id);
    if (state.valid()) graph_.states.push_back({.input = state, .output = id});
  }
  graph_.rebuild(needed_nodes());
  ir::ParameterTable used;
  for (const auto& [name, tensor] : model_.parameters.entries()) {
    if (graph_.find(name).valid()) used.set(name, tensor);
  }
  model_.parameters = std::move(used);
  model_.graphs.push_back(std::move(graph_));
  return std::move(model_);
}

}  // namespace pare::formats::torchscript
