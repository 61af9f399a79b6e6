// SPDX-License-Identifier: Apache-2.0
#include "bench/networks.hpp"

#include <array>

#include "lib/core/rng.hpp"
#include "lib/data/dataset.hpp"
#include "lib/ir/architectures.hpp"
#include "lib/pass/pass.hpp"
#include "quantize/post_training.hpp"

namespace pare::bench {

namespace {

constexpr int64_t kClasses = 10;

const std::array kNetworks = {
    Network{"mlp 784-768-768-10", "mlp:784-768-768-10", {784}, false},
    Network{"cnn, 3 convolutions", "cnn-small:width=32", {3, 32, 32}},
    Network{"resnet20", "resnet20-cifar", {3, 32, 32}},
    Network{"resnet8", "resnet8", {3, 32, 32}},
    Network{"dscnn", "dscnn", {1, 49, 10}},
};

// Standard normal items, drawn by index.
class Noise : public data::Dataset {
 public:
  explicit Noise(const ir::Dims& item) {
    info_.source = "noise";
    info_.kind = "synthetic";
    info_.item = item;
    for (int64_t c = 0; c < kClasses; ++c) info_.classes.push_back(std::to_string(c));
  }
  const data::DatasetInfo& info() const override { return info_; }
  int64_t size() const override { return 64; }
  void read(int64_t index, std::span<float> out) const override {
    Rng rng(0, stream_of("bench item"), static_cast<uint64_t>(index) << 32);
    for (float& value : out) value = rng.normal();
  }
  int64_t label(int64_t index) const override { return index % kClasses; }
  std::string fingerprint() const override { return "noise"; }

 private:
  data::DatasetInfo info_;
};

}  // namespace

std::span<const Network> networks() { return kNetworks; }

ir::Model float_model(const Network& network) {
  ir::Model model = ir::build_architecture(network.architecture, network.item, kClasses);
  ir::initialise(model, 0);
  return model;
}

ir::Model int8_model(const ir::Model& model, const Network& network) {
  const pass::PassInfo quantize = quantize::post_training_pass();
  pass::Context context;
  context.calibration = std::make_shared<Noise>(network.item);
  return pass::run(quantize, model,
                   pass::Options(quantize.options, {{"scheme", "w8a8"}, {"split_residuals", true}}),
                   context);
}

}  // namespace pare::bench
