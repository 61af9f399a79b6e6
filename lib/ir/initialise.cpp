// SPDX-License-Identifier: Apache-2.0
// Starting weights. Conv: Kaiming normal, fan-out (He et al. 2015, equation 14), bias 0. Gemm and
// MatMul: uniform within 1/sqrt(fan_in), bias too (LeCun et al. 1998, PyTorch's default). Batch
// norm: the identity. A draw depends on seed and parameter name only.
#include <cmath>

#include "lib/core/error.hpp"
#include "lib/core/rng.hpp"
#include "lib/ir/architectures.hpp"
#include "lib/ir/ops.hpp"

namespace pare::ir {

namespace {

class Initialiser {
 public:
  Initialiser(Model& model, uint64_t seed) : model_(model), seed_(seed) {}

  void visit(const Graph& graph, const Node& node) {
    const auto input = [&](size_t i) -> std::string {
      const bool there = i < node.inputs.size() && node.inputs[i].valid();
      return there ? graph.value(node.inputs[i]).parameter : std::string();
    };
    if (node.op == "BatchNormalization") {
      static constexpr float kIdentity[] = {1.0F, 0.0F, 0.0F, 1.0F};
      for (size_t i = 0; i < 4; ++i) fill(input(i + 1), [&](Rng&) { return kIdentity[i]; });
      return;
    }
    const OpRow* row = find_op(node.op);
    if (!row || row->weight_input < 0 || input(1).empty()) return;
    const Tensor& weight = model_.parameters.at(input(1));
    const int64_t out = weight.dims()[static_cast<size_t>(
        weight_output_axis(node, static_cast<int>(weight.dims().size())))];
    if (out == 0 || weight.count() == 0) return;
    if (node.op == "Conv") {
      const int64_t receptive = weight.count() / (weight.dims()[0] * weight.dims()[1]);
      const int64_t fan_out = std::max<int64_t>(1, out / attr_int(node, "group", 1)) * receptive;
      const float deviation = std::sqrt(2.0F / static_cast<float>(fan_out));
      fill(input(1), [&](Rng& rng) { return deviation * rng.normal(); });
      fill(input(2), [](Rng&) { return 0.0F; });
    } else {
      const float bound = 1.0F / std::sqrt(static_cast<float>(weight.count() / out));
      const auto draw = [&](Rng& rng) { return rng.uniform(-bound, bound); };
      fill(input(1), draw);
      fill(input(2), draw);
    }
  }

 private:
  template <class Draw>
  void fill(const std::string& name, const Draw& draw) {
    if (name.empty()) return;
    const Tensor& old = model_.parameters.at(name);
    if (!old.is_plain() || old.dtype() != DType::kF32) {
      throw Error(name, "only plain f32 parameters can be initialised");
    }
    Rng rng(seed_, stream_of(name));
    std::vector<float> values(static_cast<size_t>(old.count()));
    for (float& value : values) value = draw(rng);
    model_.parameters.set(name, Tensor::f32(old.dims(), values));
  }

  Model& model_;
  uint64_t seed_;
};

}  // namespace

void initialise(Model& model, uint64_t seed) {
  Initialiser initialiser(model, seed);
  for (const Graph& graph : model.graphs) {
    for (const Node& node : graph.nodes()) initialiser.visit(graph, node);
  }
}

}  // namespace pare::ir
