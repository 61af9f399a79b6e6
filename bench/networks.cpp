// SPDX-License-Identifier: Apache-2.0
#include "bench/networks.hpp"

#include <array>

#include "lib/core/rng.hpp"
#include "lib/data/dataset.hpp"
#include "lib/ir/architectures.hpp"
#include "lib/pass/pass.hpp"
#include "prune/magnitude.hpp"
#include "quantize/post_training.hpp"

namespace pare::bench {

namespace {

const std::array kNetworks = {
    Network{"mlp 784-768-768-10", "mlp:784-768-768-10", {784}},
    Network{"cnn, 3 convolutions", "cnn-small:width=32", {3, 32, 32}},
    Network{"resnet20", "resnet20-cifar", {3, 32, 32}},
    Network{"resnet8", "resnet8", {3, 32, 32}},
    Network{"dscnn", "dscnn", {1, 49, 10}},
};

// Standard normal items, drawn by index.
class Noise : public data::Dataset {
 public:
  explicit Noise(const Network& network) {
    info_.source = "noise";
    info_.kind = "synthetic";
    info_.item = network.item;
    for (int64_t c = 0; c < network.classes; ++c) info_.classes.push_back(std::to_string(c));
  }
  const data::DatasetInfo& info() const override { return info_; }
  int64_t size() const override { return 64; }
  void read(int64_t index, std::span<float> out) const override {
    Rng rng(0, stream_of("bench item"), static_cast<uint64_t>(index) << 32);
    for (float& value : out) value = rng.normal();
  }
  int64_t label(int64_t index) const override {
    return index % static_cast<int64_t>(info_.classes.size());
  }
  std::string fingerprint() const override { return "noise"; }

 private:
  data::DatasetInfo info_;
};

}  // namespace

std::span<const Network> networks() { return kNetworks; }

ir::Model float_model(const Network& network) {
  ir::Model model = ir::build_architecture(network.architecture, network.item, network.classes);
  ir::initialise(model, 0);
  return model;
}

ir::Model quantized_model(const ir::Model& model, const Network& network,
                          const std::string& scheme) {
  const pass::PassInfo quantize = quantize::post_training_pass();
  pass::Context context;
  Json options{{"scheme", scheme}};
  if (scheme == "w8a8" || scheme == "w4a8") {
    context.calibration = std::make_shared<Noise>(network);
    options["split_residuals"] = true;
  }
  return pass::run(quantize, model, pass::Options(quantize.options, options), context);
}

ir::Model pruned_model(const ir::Model& model, const Json& options) {
  const pass::PassInfo prune = prune::magnitude_pass();
  pass::Context context;
  return pass::run(prune, model, pass::Options(prune.options, options), context);
}

}  // namespace pare::bench
