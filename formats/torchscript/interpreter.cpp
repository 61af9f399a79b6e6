// SPDX-License-Identifier: Apache-2.0
#include "formats/torchscript/interpreter.hpp"

#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/ir/constants.h>

#include "formats/torchscript/operators.hpp"
#include "lib/core/error.hpp"

namespace pare::formats::torchscript {

namespace prim = c10::prim;
using torch::jit::Block;
using torch::jit::Graph;

namespace {

std::shared_ptr<Graph> graph_of(const torch::jit::Node& node, torch::jit::Function* function) {
  if (!function) throw Error(described(node), "calls what the file does not hold");
  function->ensure_defined();
  torch::jit::GraphFunction* code = torch::jit::tryToGraphFunction(*function);
  if (!code)
    throw Error(described(node), "calls " + escaped(function->name()) + ", a C++ function");
  return code->graph();
}

bool truth(const torch::jit::Node& node, const Value& value) {
  const c10::IValue* known = value.plain();
  if (known && known->isBool()) return known->toBool();
  if (const Refusal* refusal = value.refusal()) throw Error(refusal->subject, refusal->fact);
  if (value.symbol()) {
    throw Error(described(node), "depends on the size \"" + escaped(value.symbol()->name) +
                                     "\"; give it as a number (--input-shape)");
  }
  throw Error(described(node), "depends on data, which a graph of operators cannot follow");
}

}  // namespace

Value Interpreter::call(const std::shared_ptr<Graph>& graph, std::vector<Value> arguments) {
  if (++depth_ > kDeepestCalls) {
    throw Error("code", "calls itself more than " + std::to_string(kDeepestCalls) + " levels deep");
  }
  if (graph->inputs().size() != arguments.size()) {
    throw Error("code", "a call and what it calls differ in their arguments");
  }
  Frame frame;
  for (size_t i = 0; i < arguments.size(); ++i) {
    frame[graph->inputs()[i]] = std::move(arguments[i]);
  }
  run(*graph->block(), frame);
  --depth_;
  if (graph->outputs().empty()) return {};
  return at(frame, graph->outputs()[0]);
}

void Interpreter::run(const Block& block, Frame& frame) {
  for (const Node* node : const_cast<Block&>(block).nodes()) step(*node, frame);
}

void Interpreter::step(const Node& node, Frame& frame) {
  if (++steps_ > kMostSteps) {
    throw Error(described(node),
                "is step " + std::to_string(steps_) + " of the code, which does not seem to end");
  }
  try {
    if (!structure(node, frame) && !container(node, frame)) operate(node, frame);
  } catch (const c10::Error& error) {
    throw Error(described(node),
                "libtorch refuses it: " + first_line(error.what_without_backtrace()));
  }
}

bool Interpreter::structure(const Node& node, Frame& frame) {
  switch (node.kind()) {
    case prim::Constant:
      if (const auto known = torch::jit::toIValue(node.output())) {
        bind(node, frame, Value(*known));
      } else {
        bind(node, frame, Value());  // a function: its node.output()->type() says which
      }
      return true;
    case prim::If:
      branch(node, frame);
      return true;
    case prim::Loop:
      loop(node, frame);
      return true;
    case prim::CallFunction:
      bind(node, frame, call_function(node, frame));
      return true;
    case prim::CallMethod:
      bind(node, frame, call_method(node, frame));
      return true;
    case prim::GetAttr: {
      const Value& owner = at(frame, node.input(0));
      bind(node, frame, state_.get(object(node, owner), node.s(c10::attr::name), emit_));
      return true;
    }
    case prim::SetAttr: {
      const Value& owner = at(frame, node.input(0));
      const Value value = current(at(frame, node.input(1)));
      refuse_stale(node, value);
      state_.set(object(node, owner), node.s(c10::attr::name), value);
      return true;
    }
    case prim::RaiseException: {
      const c10::IValue* text = at(frame, node.input(0)).plain();
      throw Error(described(node), "the code refuses this call: " +
                                       (text && text->isString() ? escaped(text->toStringRef())
                                                                 : "no reason given"));
    }
    default:
      return false;
  }
}

void Interpreter::branch(const Node& node, Frame& frame) {
  const Block& taken = *node.blocks().at(truth(node, at(frame, node.input())) ? 0 : 1);
  run(taken, frame);
  for (size_t i = 0; i < node.outputs().size(); ++i) {
    frame[node.outputs()[i]] = at(frame, taken.outputs()[i]);
  }
}

void Interpreter::loop(const Node& node, Frame& frame) {
  const c10::IValue* most = at(frame, node.input(0)).plain();
  if (!most || !most->isInt()) throw Error(described(node), "how often it repeats is not known");
  const int64_t trips = most->toInt();
  bool again = truth(node, at(frame, node.input(1)));
  const Block& body = *node.blocks().at(0);
  std::vector<Value> carried;
  for (size_t i = 2; i < node.inputs().size(); ++i) carried.push_back(at(frame, node.input(i)));
  for (int64_t trip = 0; trip < trips && again; ++trip) {
    frame[body.inputs()[0]] = Value(c10::IValue(trip));
    for (size_t i = 0; i < carried.size(); ++i) frame[body.inputs()[i + 1]] = carried[i];
    run(body, frame);
    again = truth(node, at(frame, body.outputs()[0]));
    for (size_t i = 0; i < carried.size(); ++i) carried[i] = at(frame, body.outputs()[i + 1]);
  }
  for (size_t i = 0; i < carried.size(); ++i) frame[node.outputs()[i]] = carried[i];
}

Value Interpreter::call_function(const Node& node, Frame& frame) {
  const auto type = node.input(0)->type()->expect<c10::FunctionType>();
  std::vector<Value> arguments = arguments_of(node, frame);
  arguments.erase(arguments.begin());
  return call(graph_of(node, type->function()), std::move(arguments));
}

Value Interpreter::call_method(const Node& node, Frame& frame) {
  std::vector<Value> arguments = arguments_of(node, frame);
  const ModuleState::Object self = object(node, arguments.at(0));
  torch::jit::Function* method = self->type()->findMethod(node.s(c10::attr::name));
  const std::string outer = emit_.scope;
  const std::string path = state_.path_of(self);
  if (!path.empty()) emit_.scope = path;
  Value out = call(graph_of(node, method), std::move(arguments));
  emit_.scope = outer;
  return out;
}

std::vector<Value> Interpreter::arguments_of(const Node& node, Frame& frame) {
  std::vector<Value> out;
  for (const torch::jit::Value* input : node.inputs()) out.push_back(current(at(frame, input)));
  return out;
}

void Interpreter::bind(const Node& node, Frame& frame, const Value& result) {
  const auto outputs = node.outputs();
  if (outputs.size() == 1) {
    frame[outputs[0]] = result;
  } else if (outputs.size() > 1) {
    const auto* items = result.sequence();
    require(items && (*items)->items.size() >= outputs.size(), "an operator has its outputs");
    for (size_t i = 0; i < outputs.size(); ++i) frame[outputs[i]] = (*items)->items[i];
  }
}

ModuleState::Object Interpreter::object(const Node& node, const Value& value) const {
  if (!value.plain() || !value.plain()->isObject()) {
    throw Error(described(node), "is about something that is no module");
  }
  return value.plain()->toObject();
}

}  // namespace pare::formats::torchscript
