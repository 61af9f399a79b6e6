// SPDX-License-Identifier: Apache-2.0
// The interpreter's lists, tuples and objects: what Python's statements about them do, whether they
// hold known values or tensors of the graph.
#include <algorithm>

#include <torch/csrc/jit/ir/constants.h>

#include "formats/torchscript/interpreter.hpp"
#include "formats/torchscript/operators.hpp"
#include "lib/core/error.hpp"

namespace pare::formats::torchscript {

namespace prim = c10::prim;

namespace {

Sequence& items_of(const torch::jit::Node& node, const Value& value) {
  const auto* sequence = value.sequence();
  if (!sequence) throw Error(described(node), "is about something that is no list or tuple");
  return **sequence;
}

// Python's index into `size` items, from the front.
size_t position(const torch::jit::Node& node, const Value& index, size_t size) {
  const c10::IValue* known = index.plain();
  if (!known || !known->isInt()) throw Error(described(node), "its index is not known");
  const int64_t at = known->toInt() + (known->toInt() < 0 ? static_cast<int64_t>(size) : 0);
  if (at < 0 || at >= static_cast<int64_t>(size)) {
    throw Error(described(node), "index " + std::to_string(known->toInt()) + " of " +
                                     std::to_string(size) + " items");
  }
  return static_cast<size_t>(at);
}

Value list_like(const Sequence& list, std::vector<Value> items) {
  return list.tuple ? Value::tuple(std::move(items)) : Value::list(list.element, std::move(items));
}

bool is_grad_mode(const ModuleState::Object& object) {
  return object->name().find("grad_mode") != std::string::npos;
}

}  // namespace

bool Interpreter::container(const Node& node, Frame& frame) {
  switch (node.kind()) {
    case prim::ListConstruct: {
      const auto type = node.output()->type()->expect<c10::ListType>();
      bind(node, frame, Value::list(type->getElementType(), arguments_of(node, frame)));
      return true;
    }
    case prim::TupleConstruct:
      bind(node, frame, Value::tuple(arguments_of(node, frame)));
      return true;
    case prim::TupleUnpack:
    case prim::ListUnpack: {
      const Sequence& items = items_of(node, at(frame, node.input()));
      if (items.items.size() != node.outputs().size()) {
        throw Error(described(node), std::to_string(items.items.size()) + " items go to " +
                                         std::to_string(node.outputs().size()) + " names");
      }
      for (size_t i = 0; i < items.items.size(); ++i) frame[node.outputs()[i]] = items.items[i];
      return true;
    }
    case prim::TupleIndex: {
      const Sequence& items = items_of(node, at(frame, node.input(0)));
      const size_t index = position(node, at(frame, node.input(1)), items.items.size());
      bind(node, frame, items.items[index]);
      return true;
    }
    case prim::Uninitialized:
      bind(node, frame, Value());
      return true;
    case prim::unchecked_cast:
    case prim::unchecked_unwrap_optional:
      bind(node, frame, at(frame, node.input(0)));
      return true;
    case prim::CreateObject: {
      const auto type = node.output()->type()->expect<c10::ClassType>();
      bind(node, frame,
           Value(c10::IValue(c10::ivalue::Object::create(type, type->numAttributes()))));
      return true;
    }
    case prim::Enter:
    case prim::Exit: {
      // torch.no_grad() decides about gradients, of which there are none here.
      if (!is_grad_mode(object(node, at(frame, node.input(0))))) {
        throw Error(described(node), "a context other than torch.no_grad, which is not supported");
      }
      if (!node.outputs().empty()) bind(node, frame, Value());
      return true;
    }
    default:
      return false;
  }
}

bool Interpreter::list_operator(const Node& node, std::vector<Value>& arguments, Frame& frame) {
  if (arguments.empty() || !arguments[0].sequence()) return false;
  const std::string_view name = node.kind().toQualString();
  Sequence& list = items_of(node, arguments[0]);
  auto& items = list.items;
  if (name == "aten::len") {
    bind(node, frame, Value(c10::IValue(static_cast<int64_t>(items.size()))));
  } else if (name == "aten::__getitem__") {
    bind(node, frame, items[position(node, arguments.at(1), items.size())]);
  } else if (name == "aten::append") {
    items.push_back(arguments.at(1));
    bind(node, frame, arguments[0]);
  } else if (name == "aten::_set_item") {
    items[position(node, arguments.at(1), items.size())] = arguments.at(2);
    bind(node, frame, arguments[0]);
  } else if (name == "aten::extend" || name == "aten::add_") {
    const std::vector<Value> more = items_of(node, arguments.at(1)).items;
    items.insert(items.end(), more.begin(), more.end());
    if (!node.outputs().empty()) bind(node, frame, arguments[0]);
  } else if (name == "aten::insert") {
    const auto size = static_cast<int64_t>(items.size());
    const c10::IValue* index = arguments.at(1).plain();
    if (!index || !index->isInt()) throw Error(described(node), "its index is not known");
    const int64_t from = index->toInt() < 0 ? index->toInt() + size : index->toInt();
    items.insert(items.begin() + std::clamp<int64_t>(from, 0, size), arguments.at(2));
  } else if (name == "aten::pop") {
    const size_t index = arguments.size() > 1
                             ? position(node, arguments[1], items.size())
                             : position(node, Value(c10::IValue(-1)), items.size());
    bind(node, frame, items[index]);
    items.erase(items.begin() + static_cast<std::ptrdiff_t>(index));
  } else if (name == "aten::reverse") {
    std::ranges::reverse(items);
  } else if (name == "aten::clear") {
    items.clear();
  } else if (name == "aten::list" || name == "aten::copy") {
    bind(node, frame, list_like(list, items));
  } else if (name == "aten::add" && arguments.at(1).sequence()) {
    std::vector<Value> all = items;
    const std::vector<Value>& more = items_of(node, arguments[1]).items;
    all.insert(all.end(), more.begin(), more.end());
    bind(node, frame, list_like(list, std::move(all)));
  } else {
    return false;
  }
  return true;
}

}  // namespace pare::formats::torchscript
