// SPDX-License-Identifier: Apache-2.0
// Attributes of the loaded module and its submodules, and what one call of the code makes of them.
// The loaded objects themselves stay as they are: assignments are kept beside them.
#pragma once

#include <map>
#include <set>
#include <string>

#include <torch/csrc/jit/api/module.h>

#include "formats/torchscript/emitter.hpp"

namespace pare::formats::torchscript {

// Thrown when code writes into the memory of a tensor that is an attribute: the call has to be
// walked again with this attribute as an input.
struct WrittenAttribute {
  std::string path;
};

class ModuleState {
 public:
  explicit ModuleState(const torch::jit::Module& module);

  using Object = c10::intrusive_ptr<c10::ivalue::Object>;

  // "layer1.0.conv1", "" for the outermost module and for objects that are no submodules.
  std::string path_of(const Object& object) const;
  Value get(const Object& object, const std::string& name, Emitter& emit);
  void set(const Object& object, const std::string& name, Value value);

  // Path of the attribute that `tensor` is or shares its memory with; "" for others.
  std::string attribute_of(const at::Tensor& tensor) const;
  // From now on a call starts with this attribute as a tensor of the graph.
  void lift(const std::string& path);

  // Before a call: attributes that carry data from call to call become inputs of the graph.
  void begin(Emitter& emit);
  // After a call: the next one starts with what this one left. False when it would start as this
  // one did, which makes this one the model. Throws Error(path of the attribute).
  bool advance(const Emitter& emit);
  // After the last call: those whose inputs matter; the others are no inputs any more.
  std::vector<Emitter::Output> states(Emitter& emit) const;

 private:
  // How an attribute stands at the start of a call.
  struct Start {
    bool carried = false;  // an input of the graph
    ir::Shape shape;
    ir::DType dtype = ir::DType::kF32;
    Value known = {};
  };
  void enumerate(const Object& object, const std::string& path);
  // "decoder.hidden"; of objects made by the code something that no attribute is called.
  std::string attribute_path(const Object& object, const std::string& name);
  bool starts_as(const std::string& path, const Value& value) const;

  std::map<const c10::ivalue::Object*, std::string> paths_;
  std::vector<Object> kept_;  // keeps the addresses their own
  std::map<const void*, std::string> storages_;
  std::map<std::string, c10::IValue> loaded_;  // attributes as they are in the file, by path
  std::map<std::string, Start> starts_;
  std::map<std::string, Value> values_;  // of the call under way
  std::map<std::string, ir::ValueId> inputs_;
};

}  // namespace pare::formats::torchscript
