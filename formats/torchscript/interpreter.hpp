// SPDX-License-Identifier: Apache-2.0
// Walks TorchScript code as its interpreter would, but without data: what is known is computed by
// libtorch (sizes, flags, weights), what depends on the input becomes nodes of a graph. Branches
// and loops are decided on the way, calls are followed; code that cannot be decided without data is
// refused with its place in the source.
// Nothing with an effect outside the walk is executed: no files, no printing, no random numbers.
#pragma once

#include <unordered_map>

#include <torch/csrc/jit/ir/ir.h>

#include "formats/torchscript/emitter.hpp"
#include "formats/torchscript/module_state.hpp"

namespace pare::formats::torchscript {

class Interpreter {
 public:
  Interpreter(ModuleState& state, Emitter& emit) : state_(state), emit_(emit) {}

  // Runs a function's graph. Throws Error: an operator that is not supported, a branch on data, an
  // exception that the code raises, more steps than kMostSteps.
  Value call(const std::shared_ptr<torch::jit::Graph>& graph, std::vector<Value> arguments);

  static constexpr int64_t kMostSteps = 1'000'000;
  static constexpr int kDeepestCalls = 100;

 private:
  using Frame = std::unordered_map<const torch::jit::Value*, Value>;
  using Node = torch::jit::Node;

  void run(const torch::jit::Block& block, Frame& frame);
  void step(const Node& node, Frame& frame);
  // Statements and containers, which are no operators. False when `node` is none of them.
  bool structure(const Node& node, Frame& frame);
  bool container(const Node& node, Frame& frame);
  void branch(const Node& node, Frame& frame);
  void loop(const Node& node, Frame& frame);
  Value call_function(const Node& node, Frame& frame);
  Value call_method(const Node& node, Frame& frame);
  // Operators.
  void operate(const Node& node, Frame& frame);
  bool list_operator(const Node& node, std::vector<Value>& arguments, Frame& frame);
  bool execute(const Node& node, const std::vector<Value>& arguments, Frame& frame);
  void lower(const Node& node, std::vector<Value>& arguments, Frame& frame);
  // Outputs that nobody may use. Throws the refusal at once when the node has effects.
  void give_up(const Node& node, const Refusal& refusal, Frame& frame);
  // A known tensor that was written into is a tensor of the graph since.
  Value current(const Value& value) const;
  void refuse_stale(const Node& node, const Value& value) const;
  std::shared_ptr<GraphTensor> written(const Node& node, Value& target);

  Value& at(Frame& frame, const torch::jit::Value* value) { return frame.at(value); }
  std::vector<Value> arguments_of(const Node& node, Frame& frame);
  void bind(const Node& node, Frame& frame, const Value& result);
  ModuleState::Object object(const Node& node, const Value& value) const;

  ModuleState& state_;
  Emitter& emit_;
  int64_t steps_ = 0;
  int depth_ = 0;
  // Constants that the code made and then wrote data into.
  struct Overlay {
    at::Tensor kept;
    std::shared_ptr<GraphTensor> tensor;
  };
  std::unordered_map<const void*, Overlay> overlays_;  // by tensor
  std::unordered_map<const void*, int> written_;       // by storage
};

}  // namespace pare::formats::torchscript
