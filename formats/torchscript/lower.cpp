// SPDX-License-Identifier: Apache-2.0
#include "formats/torchscript/lower.hpp"

#include <ATen/ops/tensor.h>
#include <torch/csrc/jit/serialization/import.h>

#include "formats/torchscript/interpreter.hpp"
#include "formats/torchscript/operators.hpp"
#include "lib/core/error.hpp"

namespace pare::formats::torchscript {

namespace {

// Attributes settle after the second call where they settle at all: the first one finds what the
// file holds, the second what a call leaves.
constexpr int kMostCalls = 8;

torch::jit::Module load(const std::string& path) {
  try {
    torch::jit::Module module = torch::jit::load(path, c10::Device(c10::kCPU));
    module.eval();
    return module;
  } catch (const c10::Error& error) {
    throw Error(path, "libtorch does not load it: " + first_line(error.what_without_backtrace()));
  } catch (const std::exception& error) {
    throw Error(path, "libtorch does not load it: " + first_line(error.what()));
  }
}

class Lowering {
 public:
  Lowering(const std::string& path, const ReadOptions& options)
      : path_(path), options_(options), module_(load(path)), state_(module_) {}

  ir::Model lower() {
    const auto method = module_.find_method("forward");
    if (!method) throw Error(path_, "has no method forward");
    check_names(method->function().getSchema());
    for (int call = 0; call < kMostCalls; ++call) {
      Emitter emit;
      try {
        const std::vector<Value> arguments = arguments_for(method->function().getSchema(), emit);
        state_.begin(emit);
        const Value result = Interpreter(state_, emit).call(method->graph(), arguments);
        if (!state_.advance(emit)) return finish(emit, result);
      } catch (const WrittenAttribute& attribute) {
        state_.lift(attribute.path);
      }
    }
    throw Error(path_, "its attributes differ after every call, which no graph can stand for");
  }

 private:
  void check_names(const c10::FunctionSchema& schema) const {
    const auto check = [&](const auto& given, const char* flag) {
      for (const auto& [name, value] : given) {
        const bool known =
            name.empty() || std::ranges::any_of(schema.arguments(), [&](const auto& a) {
              return a.name() == name && name != "self";
            });
        if (!known) throw UsageError(flag, "forward has no argument " + escaped(name));
      }
    };
    check(options_.bind, "--bind");
    check(options_.input_shapes, "--input-shape");
  }

  // The shape given by name, or the one given without a name for the only tensor.
  const InputShape* shape_for(const std::string& name) const {
    const auto named = options_.input_shapes.find(name);
    if (named != options_.input_shapes.end()) return &named->second;
    const auto unnamed = options_.input_shapes.find("");
    return unnamed == options_.input_shapes.end() ? nullptr : &unnamed->second;
  }

  std::vector<Value> arguments_for(const c10::FunctionSchema& schema, Emitter& emit) const {
    std::vector<Value> out{Value(c10::IValue(module_._ivalue()))};
    int unnamed = 0;
    for (size_t i = 1; i < schema.arguments().size(); ++i) {
      const c10::Argument& argument = schema.arguments()[i];
      const auto bound = options_.bind.find(argument.name());
      const InputShape* shape = shape_for(argument.name());
      if (bound != options_.bind.end()) {
        out.push_back(bound_value(argument, bound->second));
      } else if (argument.type()->isSubtypeOf(*c10::TensorType::get()) &&
                 (shape || !argument.default_value())) {
        if (!shape) {
          throw Error(path_, "TorchScript does not state the shape of its input " +
                                 escaped(argument.name()) + "; give it, as in --input-shape " +
                                 escaped(argument.name()) + "=batch,3,32,32");
        }
        if (!options_.input_shapes.contains(argument.name()) && ++unnamed > 1) {
          throw Error(path_,
                      "takes several tensors; give each shape with its name, as in "
                      "--input-shape " +
                          escaped(argument.name()) + "=batch,3,32,32");
        }
        out.emplace_back(emit.input(argument.name(), shape->shape, shape->dtype));
      } else if (argument.default_value()) {
        out.emplace_back(*argument.default_value());
      } else if (argument.type()->kind() == c10::TypeKind::OptionalType) {
        out.emplace_back();
      } else {
        throw Error(path_, "forward takes \"" + escaped(argument.name()) + "\" (" +
                               argument.type()->str() + "); fix it, as in --bind " +
                               escaped(argument.name()) + "=1");
      }
    }
    return out;
  }

  Value bound_value(const c10::Argument& argument, const std::vector<double>& values) const {
    const auto number = [&](const c10::TypePtr& type, double value) -> c10::IValue {
      switch (type->kind()) {
        case c10::TypeKind::IntType:
          return static_cast<int64_t>(value);
        case c10::TypeKind::BoolType:
          return value != 0;
        case c10::TypeKind::FloatType:
        case c10::TypeKind::NumberType:
          return value;
        default:
          throw UsageError("--bind", "\"" + argument.name() + "\" is of type " + type->str() +
                                         ", which is no number");
      }
    };
    c10::TypePtr type = argument.type();
    if (const auto optional = type->cast<c10::OptionalType>()) type = optional->getElementType();
    if (const auto list = type->cast<c10::ListType>()) {
      std::vector<Value> items;
      for (const double value : values) items.emplace_back(number(list->getElementType(), value));
      return Value::list(list->getElementType(), std::move(items));
    }
    if (type->kind() == c10::TypeKind::TensorType) {
      const at::Tensor tensor = at::tensor(values, at::kFloat);
      return Value(c10::IValue(values.size() == 1 ? tensor.squeeze() : tensor));
    }
    if (values.size() != 1) throw UsageError("--bind", "\"" + argument.name() + "\" is one number");
    return Value(number(type, values.front()));
  }

  ir::Model finish(Emitter& emit, const Value& result) {
    std::vector<Emitter::Output> outputs;
    collect(emit, result, "output", outputs);
    if (outputs.empty()) throw Error(path_, "forward returns no tensor that depends on its inputs");
    const std::vector<Emitter::Output> states = state_.states(emit);
    for (const Emitter::Output& state : states) {
      options_.note("the attribute " + escaped(state.name.substr(0, state.name.size() - 1)) +
                    " is kept from call to call: an input and an output of the graph");
    }
    outputs.insert(outputs.end(), states.begin(), states.end());
    ir::Model model = emit.finish(outputs);
    model.metadata.source = {{"format", "torchscript"}, {"class", class_name()}};
    return model;
  }

  void collect(Emitter& emit, const Value& value, const std::string& name,
               std::vector<Emitter::Output>& out) const {
    if (const auto* tensor = value.graph_tensor()) {
      if ((*tensor)->stale()) {
        throw Error(path_, "returns a tensor that was changed through a view of it");
      }
      out.push_back({.name = name, .id = (*tensor)->id});
    } else if (value.plain() && value.plain()->isTensor()) {
      out.push_back({.name = name, .id = emit.parameter(value.plain()->toTensor(), name)});
    } else if (const Refusal* refusal = value.refusal()) {
      throw Error(refusal->subject, refusal->fact);
    } else if (const auto* list = value.sequence()) {
      for (size_t i = 0; i < (*list)->items.size(); ++i) {
        collect(emit, (*list)->items[i], name + (i == 0 ? "" : std::to_string(i)), out);
      }
    }
  }

  std::string class_name() const {
    const auto name = module_.type()->name();
    return name ? escaped(name->name()) : "";
  }

  const std::string& path_;
  const ReadOptions& options_;
  torch::jit::Module module_;
  ModuleState state_;
};

}  // namespace

ir::Model lower(const std::string& path, const ReadOptions& options) {
  try {
    return Lowering(path, options).lower();
  } catch (const UsageError&) {
    throw;
  } catch (const Error& error) {
    if (error.subject() == path) throw;
    throw Error(path, error.what());
  }
}

}  // namespace pare::formats::torchscript
