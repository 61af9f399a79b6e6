// SPDX-License-Identifier: Apache-2.0
#include "formats/torchscript/module_state.hpp"

#include <ATen/ops/equal.h>

#include "lib/core/error.hpp"

namespace pare::formats::torchscript {

namespace {

std::string joined(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

bool equal(const c10::IValue& a, const c10::IValue& b) {
  if (a.isTensor() && b.isTensor()) {
    const at::Tensor& x = a.toTensor();
    const at::Tensor& y = b.toTensor();
    if (!x.defined() || !y.defined()) return x.defined() == y.defined();
    return x.scalar_type() == y.scalar_type() && at::equal(x, y);
  }
  return a == b;
}

bool equal(const Value& a, const Value& b) {
  const auto* x = a.sequence();
  const auto* y = b.sequence();
  if (!x || !y) return a.plain() && b.plain() && equal(*a.plain(), *b.plain());
  const auto& left = (*x)->items;
  const auto& right = (*y)->items;
  if (left.size() != right.size()) return false;
  for (size_t i = 0; i < left.size(); ++i) {
    if (!equal(left[i], right[i])) return false;
  }
  return true;
}

}  // namespace

ModuleState::ModuleState(const torch::jit::Module& module) { enumerate(module._ivalue(), ""); }

void ModuleState::enumerate(const Object& object, const std::string& path) {
  if (!paths_.emplace(object.get(), path).second) return;
  kept_.push_back(object);
  const c10::ClassTypePtr type = object->type();
  for (size_t i = 0; i < type->numAttributes(); ++i) {
    const c10::IValue& slot = object->getSlot(i);
    const std::string name = joined(path, type->getAttributeName(i));
    if (slot.isObject()) {
      enumerate(slot.toObject(), name);
      continue;
    }
    loaded_[name] = slot;
    if (slot.isTensor() && slot.toTensor().defined() && slot.toTensor().has_storage()) {
      storages_.emplace(slot.toTensor().storage().unsafeGetStorageImpl(), name);
    }
  }
}

std::string ModuleState::path_of(const Object& object) const {
  const auto it = paths_.find(object.get());
  return it == paths_.end() || it->second.starts_with('#') ? "" : it->second;
}

std::string ModuleState::attribute_path(const Object& object, const std::string& name) {
  const auto [it, fresh] = paths_.try_emplace(object.get(), "#" + std::to_string(kept_.size()));
  if (fresh) kept_.push_back(object);
  return joined(it->second, name);
}

Value ModuleState::get(const Object& object, const std::string& name, Emitter& emit) {
  const std::string path = attribute_path(object, name);
  const auto known = values_.find(path);
  if (known != values_.end()) return known->second;
  const c10::IValue slot = object->getAttr(name);
  if (slot.isTensor() && slot.toTensor().defined()) emit.name_tensor(slot.toTensor(), path);
  // Kept, because lists are shared between those who ask for them.
  return values_.emplace(path, Value(slot)).first->second;
}

void ModuleState::set(const Object& object, const std::string& name, Value value) {
  values_.insert_or_assign(attribute_path(object, name), std::move(value));
}

std::string ModuleState::attribute_of(const at::Tensor& tensor) const {
  if (!tensor.defined() || !tensor.has_storage()) return "";
  const auto it = storages_.find(tensor.storage().unsafeGetStorageImpl());
  return it == storages_.end() ? "" : it->second;
}

void ModuleState::lift(const std::string& path) {
  const at::Tensor tensor = loaded_.at(path).toTensor();
  Start start{.carried = true, .shape = ir::shape_of(tensor.sizes().vec())};
  if (!tensor.is_floating_point()) start.dtype = ir::DType::kI64;
  starts_.insert_or_assign(path, std::move(start));
}

void ModuleState::begin(Emitter& emit) {
  values_.clear();
  inputs_.clear();
  for (const auto& [path, start] : starts_) {
    if (!start.carried) {
      values_.emplace(path, start.known);
      continue;
    }
    const ir::ValueId id = emit.input(path, start.shape, start.dtype);
    inputs_.emplace(path, id);
    values_.emplace(path, Value(id));
  }
}

bool ModuleState::starts_as(const std::string& path, const Value& value) const {
  const auto start = starts_.find(path);
  if (start != starts_.end()) return !start->second.carried && equal(start->second.known, value);
  const auto loaded = loaded_.find(path);
  return loaded != loaded_.end() && equal(Value(loaded->second), value);
}

bool ModuleState::advance(const Emitter& emit) {
  bool changed = false;
  for (const auto& [path, value] : values_) {
    if (path.starts_with('#') || (value.plain() && value.plain()->isObject())) continue;
    Start next{.known = value};
    if (const auto* tensor = value.graph_tensor()) {
      if ((*tensor)->stale()) {
        throw Error(path, "is changed through a view of it, which is not supported");
      }
      next = {
          .carried = true, .shape = emit.shape((*tensor)->id), .dtype = emit.dtype((*tensor)->id)};
      const auto start = starts_.find(path);
      if (start != starts_.end() && start->second.carried && start->second.shape == next.shape &&
          start->second.dtype == next.dtype) {
        continue;
      }
    } else if (const Refusal* refusal = value.refusal()) {
      throw Error(refusal->subject, refusal->fact);
    } else if (!value.is_known()) {
      throw Error(path, "keeps a list of tensors from call to call, which is not supported");
    } else if (starts_as(path, value)) {
      continue;
    }
    starts_.insert_or_assign(path, std::move(next));
    changed = true;
  }
  return changed;
}

std::vector<Emitter::Output> ModuleState::states(Emitter& emit) const {
  std::vector<Emitter::Output> out;
  for (const auto& [path, input] : inputs_) {
    if (emit.drop_if_unused(input)) continue;
    out.push_back({path + "N", (*values_.at(path).graph_tensor())->id, input});
  }
  return out;
}

}  // namespace pare::formats::torchscript
