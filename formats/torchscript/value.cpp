// SPDX-License-Identifier: Apache-2.0
#include "formats/torchscript/value.hpp"

#include <algorithm>

#include <ATen/core/List.h>

namespace pare::formats::torchscript {

Value::Value(const c10::IValue& known) {
  if (known.isList()) {
    const c10::List<c10::IValue> list = known.toList();
    std::vector<Value> items;
    for (size_t i = 0; i < list.size(); ++i) items.emplace_back(list.get(i));
    held_ = std::make_shared<Sequence>(
        Sequence{.tuple = false, .element = list.elementType(), .items = std::move(items)});
  } else if (known.isTuple()) {
    std::vector<Value> items;
    for (const c10::IValue& item : known.toTupleRef().elements()) items.emplace_back(item);
    *this = tuple(std::move(items));
  } else {
    held_ = known;
  }
}

Value Value::list(c10::TypePtr element, std::vector<Value> items) {
  return Value(std::make_shared<Sequence>(
      Sequence{.tuple = false, .element = std::move(element), .items = std::move(items)}));
}

Value Value::tuple(std::vector<Value> items) {
  return Value(std::make_shared<Sequence>(
      Sequence{.tuple = true, .element = nullptr, .items = std::move(items)}));
}

Value Value::sizes(const ir::Shape& shape) {
  std::vector<Value> items;
  for (const ir::Dim& dim : shape) {
    items.push_back(dim.known() ? Value(c10::IValue(dim.size)) : Value(SizeSymbol{dim.symbol}));
  }
  return list(c10::IntType::get(), std::move(items));
}

const std::shared_ptr<GraphTensor>* Value::graph_tensor() const {
  return std::get_if<std::shared_ptr<GraphTensor>>(&held_);
}

const std::shared_ptr<Sequence>* Value::sequence() const {
  return std::get_if<std::shared_ptr<Sequence>>(&held_);
}

const SizeSymbol* Value::symbol() const { return std::get_if<SizeSymbol>(&held_); }
const Refusal* Value::refusal() const {
  if (const auto* list = sequence()) {
    for (const Value& item : (*list)->items) {
      if (const Refusal* found = item.refusal()) return found;
    }
  }
  return std::get_if<Refusal>(&held_);
}

const c10::IValue* Value::plain() const { return std::get_if<c10::IValue>(&held_); }
bool Value::is_none() const { return plain() && plain()->isNone(); }
bool Value::is_tensor() const { return graph_tensor() || (plain() && plain()->isTensor()); }

bool Value::is_known() const {
  if (const auto* list = sequence()) {
    return std::ranges::all_of((*list)->items, [](const Value& item) { return item.is_known(); });
  }
  return plain() != nullptr;
}

c10::IValue Value::known() const {
  const auto* list = sequence();
  if (!list) return *plain();
  if ((*list)->tuple) {
    std::vector<c10::IValue> items;
    for (const Value& item : (*list)->items) items.push_back(item.known());
    return c10::ivalue::Tuple::create(std::move(items));
  }
  c10::impl::GenericList items((*list)->element);
  for (const Value& item : (*list)->items) items.push_back(item.known());
  return items;
}

}  // namespace pare::formats::torchscript
