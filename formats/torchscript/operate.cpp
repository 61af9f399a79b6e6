// SPDX-License-Identifier: Apache-2.0
// The interpreter's operators: executed by libtorch when everything is known, answered from shapes
// when that is enough, nodes of the graph otherwise. Writes into memory become new values of the
// tensors that were written.
#include <algorithm>
#include <array>

#include "formats/torchscript/interpreter.hpp"
#include "formats/torchscript/operators.hpp"
#include "lib/core/error.hpp"

namespace pare::formats::torchscript {

namespace {

// Operators that reach outside or whose result is no function of their arguments, beyond those
// that libtorch itself marks so.
constexpr auto kForbidden = std::to_array<std::string_view>(
    {"aten::from_file", "aten::save", "aten::load", "aten::set_grad_enabled", "prim::Print"});

bool is_writing(const c10::Argument& argument) {
  return argument.alias_info() && argument.alias_info()->isWrite();
}

// Which argument the result is a view of; nothing when it has memory of its own.
std::optional<size_t> viewed(const c10::FunctionSchema& schema) {
  if (schema.returns().empty()) return {};
  const c10::AliasInfo* out = schema.returns()[0].alias_info();
  // A list of views (chunk) says so about its elements.
  if (out && !out->containedTypes().empty()) out = &out->containedTypes()[0];
  if (!out || out->isWrite() || out->beforeSets().empty()) return {};
  for (size_t i = 0; i < schema.arguments().size(); ++i) {
    const c10::AliasInfo* in = schema.arguments()[i].alias_info();
    if (in && in->beforeSets() == out->beforeSets()) return i;
  }
  return {};
}

// dropout(input, p, train) outside training.
bool drops_nothing(const torch::jit::Node& node, const std::vector<Value>& arguments) {
  const c10::IValue* train = arguments.size() == 3 ? arguments[2].plain() : nullptr;
  return node.kind() == c10::aten::dropout && train && train->isBool() && !train->toBool();
}

const void* storage_of(const c10::IValue& value) {
  if (!value.isTensor() || !value.toTensor().defined() || !value.toTensor().has_storage()) {
    return nullptr;
  }
  return value.toTensor().storage().unsafeGetStorageImpl();
}

void share_storage(const Value& view, const GraphTensor& base) {
  if (const auto* made = view.graph_tensor()) {
    (*made)->storage = base.storage;
    (*made)->version = base.version;
  } else if (const auto* list = view.sequence()) {
    for (const Value& item : (*list)->items) share_storage(item, base);
  }
}

int64_t scalar_type(ir::DType dtype) {
  switch (dtype) {
    case ir::DType::kI64:
      return static_cast<int64_t>(at::kLong);
    case ir::DType::kI32:
      return static_cast<int64_t>(at::kInt);
    case ir::DType::kI16:
      return static_cast<int64_t>(at::kShort);
    case ir::DType::kI8:
      return static_cast<int64_t>(at::kChar);
    case ir::DType::kU8:
      return static_cast<int64_t>(at::kByte);
    case ir::DType::kBool:
      return static_cast<int64_t>(at::kBool);
    default:
      return static_cast<int64_t>(at::kFloat);
  }
}

// What follows from the shape and type of a tensor of the graph; nothing for other operators.
std::optional<Value> answer(const torch::jit::Node& node, const std::vector<Value>& arguments,
                            const Emitter& emit) {
  const std::string_view name = node.kind().toQualString();
  if (name == "aten::__is__" || name == "aten::__isnot__") {
    const bool same = arguments.at(0).is_none() && arguments.at(1).is_none();
    return Value(c10::IValue(same == (name == "aten::__is__")));
  }
  if (arguments.empty() || !arguments[0].graph_tensor()) return {};
  const ir::ValueId id = (*arguments[0].graph_tensor())->id;
  const ir::Shape& shape = emit.shape(id);
  const bool floating = ir::info(emit.dtype(id)).is_float;
  if (name == "aten::size") {
    const Value sizes = Value::sizes(shape);
    if (arguments.size() == 1) return sizes;
    const c10::IValue* axis = arguments[1].plain();
    const auto rank = static_cast<int64_t>(shape.size());
    if (!axis || !axis->isInt() || axis->toInt() < -rank || axis->toInt() >= rank) {
      throw Error(described(node), "there is no such dimension in " + ir::to_string(shape));
    }
    const int64_t at = axis->toInt() < 0 ? axis->toInt() + rank : axis->toInt();
    return (*sizes.sequence())->items[static_cast<size_t>(at)];
  }
  if (name == "aten::dim") return Value(c10::IValue(static_cast<int64_t>(shape.size())));
  if (name == "aten::len") {
    if (shape.empty()) throw Error(described(node), "a number has no length");
    return (*Value::sizes(shape).sequence())->items.front();
  }
  if (name == "aten::numel") {
    return Value(c10::IValue(ir::element_count(ir::known_dims(shape, described(node)))));
  }
  if (name == "prim::dtype") return Value(c10::IValue(scalar_type(emit.dtype(id))));
  if (name == "prim::device") return Value(c10::IValue(c10::Device(c10::kCPU)));
  if (name == "prim::layout") return Value(c10::IValue(static_cast<int64_t>(c10::kStrided)));
  if (name == "aten::is_floating_point") return Value(c10::IValue(floating));
  for (const std::string_view never :
       {"prim::is_cuda", "prim::is_quantized", "prim::is_sparse", "prim::is_nested",
        "prim::requires_grad", "prim::is_mkldnn", "aten::is_complex", "prim::is_xpu"}) {
    if (name == never) return Value(c10::IValue(false));
  }
  for (const std::string_view reading :
       {"aten::Bool", "aten::Int", "aten::Float", "aten::item", "aten::is_nonzero",
        "aten::ScalarImplicit", "aten::IntImplicit", "aten::FloatImplicit", "aten::equal"}) {
    if (name == reading) {
      throw Error(described(node), "reads data, which a graph of operators cannot follow");
    }
  }
  return {};
}

}  // namespace

Value Interpreter::current(const Value& value) const {
  const c10::IValue* known = value.plain();
  if (!known || !known->isTensor() || overlays_.empty()) return value;
  const auto it = overlays_.find(known->toTensor().unsafeGetTensorImpl());
  return it == overlays_.end() ? value : Value(it->second.tensor);
}

void Interpreter::refuse_stale(const Node& node, const Value& value) const {
  const auto* tensor = value.graph_tensor();
  const bool stale =
      tensor ? (*tensor)->stale()
             : value.plain() && !written_.empty() && written_.contains(storage_of(*value.plain()));
  if (stale) {
    throw Error(described(node),
                "takes a tensor that was changed through a view of it, which is not supported");
  }
}

void Interpreter::operate(const Node& node, Frame& frame) {
  std::vector<Value> arguments = arguments_of(node, frame);
  for (const Value& argument : arguments) {
    refuse_stale(node, argument);
    if (const auto* list = argument.sequence()) {
      for (Value& item : (*list)->items) {
        item = current(item);
        refuse_stale(node, item);
      }
    }
  }
  if (list_operator(node, arguments, frame)) return;
  for (const Value& argument : arguments) {
    if (const Refusal* refusal = argument.refusal()) return give_up(node, *refusal, frame);
  }
  if (execute(node, arguments, frame)) return;
  if (const std::optional<Value> known = answer(node, arguments, emit_)) {
    bind(node, frame, *known);
    return;
  }
  lower(node, arguments, frame);
}

bool Interpreter::execute(const Node& node, const std::vector<Value>& arguments, Frame& frame) {
  const torch::jit::Operator* known = node.maybeOperator();
  if (!known) return false;
  if (node.hasSideEffects() ||
      std::ranges::find(kForbidden, std::string_view(node.kind().toQualString())) !=
          kForbidden.end()) {
    if (std::string_view(node.kind().toQualString()) == "aten::warn" ||
        std::string_view(node.kind().toQualString()) == "prim::Print") {
      return true;
    }
    throw Error(described(node), "has effects outside the model, which is not supported");
  }
  if (!std::ranges::all_of(arguments, [](const Value& v) { return v.is_known(); })) return false;
  // Rows of the table draw nothing: dropout is refused there when it would.
  if (node.isNondeterministic() && !drops_nothing(node, arguments)) {
    throw Error(described(node), "draws random numbers, which is not supported");
  }
  torch::jit::Stack stack;
  for (const Value& argument : arguments) stack.push_back(argument.known());
  const auto& declared = known->schema().arguments();
  for (size_t i = 0; i < declared.size() && i < stack.size(); ++i) {
    if (!is_writing(declared[i])) continue;
    if (arguments[i].sequence())
      throw Error(described(node), "changes a list, which is not supported");
    if (!stack[i].isTensor()) continue;
    const std::string path = state_.attribute_of(stack[i].toTensor());
    if (!path.empty()) throw WrittenAttribute{path};
  }
  const std::string name =
      arguments.size() == 1 && stack[0].isTensor() ? emit_.name_of(stack[0].toTensor()) : "";
  node.getOperation()(stack);
  std::vector<Value> results;
  for (const c10::IValue& result : stack) results.emplace_back(result);
  // What a weight becomes (transposed, reshaped) keeps its name.
  if (!name.empty() && stack.size() == 1 && stack[0].isTensor()) {
    emit_.name_tensor(stack[0].toTensor(), name);
  }
  bind(node, frame, results.size() == 1 ? results[0] : Value::tuple(std::move(results)));
  return true;
}

// The tensor of the graph that stands for what a writing operator writes into.
std::shared_ptr<GraphTensor> Interpreter::written(const Node& node, Value& target) {
  if (const auto* tensor = target.graph_tensor()) return *tensor;
  const c10::IValue* known = target.plain();
  if (!known || !known->isTensor()) throw Error(described(node), "writes into no tensor");
  const at::Tensor& constant = known->toTensor();
  const std::string path = state_.attribute_of(constant);
  if (!path.empty()) throw WrittenAttribute{path};
  auto tensor = std::make_shared<GraphTensor>(GraphTensor{.id = emit_.parameter(constant)});
  overlays_[constant.unsafeGetTensorImpl()] = {constant, tensor};
  if (const void* storage = storage_of(*known)) written_[storage] = 1;
  target = Value(tensor);
  return tensor;
}

void Interpreter::give_up(const Node& node, const Refusal& refusal, Frame& frame) {
  const c10::FunctionSchema* schema = node.maybeSchema();
  if (!schema || std::ranges::any_of(schema->arguments(), is_writing)) {
    throw Error(refusal.subject, refusal.fact);
  }
  for (const torch::jit::Value* output : node.outputs()) frame[output] = Value(refusal);
}

void Interpreter::lower(const Node& node, std::vector<Value>& arguments, Frame& frame) {
  std::string name = node.kind().toUnqualString();
  const c10::FunctionSchema* schema = node.maybeSchema();
  const bool writes = schema && !schema->arguments().empty() && is_writing(schema->arguments()[0]);
  if (writes && name.ends_with('_')) name.pop_back();
  const bool named = node.kind().is_aten() || node.kind() == c10::Symbol::prim("data");
  const OperatorRow* row = schema && named ? find_operator(name) : nullptr;
  if (!row) return give_up(node, {described(node), "is not supported"}, frame);
  Value result;
  try {
    result = row->lower(Call(emit_, node, arguments));
  } catch (const Error& error) {
    const bool placed = error.subject() == described(node);
    return give_up(node, {described(node), placed ? error.fact() : error.what()}, frame);
  }
  if (writes) {
    const auto* made = result.graph_tensor();
    require(made != nullptr, "an operator in place has one result");
    const std::shared_ptr<GraphTensor> target = written(node, arguments[0]);
    target->id = (*made)->id;
    target->version = ++target->storage->version;
    result = Value(target);
  } else if (const std::optional<size_t> base = viewed(*schema)) {
    if (const auto* of = arguments.at(*base).graph_tensor()) share_storage(result, **of);
  }
  bind(node, frame, result);
}

}  // namespace pare::formats::torchscript
