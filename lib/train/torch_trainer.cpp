// SPDX-License-Identifier: Apache-2.0
#include "lib/train/torch_trainer.hpp"

#include <ATen/Parallel.h>

#include "lib/core/error.hpp"
#include "lib/train/torch_run.hpp"

namespace pare::train {

namespace {

// Runs `work` with torch's thread count set (it starts at 1 on some machines, and lowers OpenMP's
// maximum for everybody until it is set), and torch's exceptions translated.
template <class Work>
auto with_torch(int threads, const Work& work) {
  at::set_num_threads(threads);
  try {
    return work();
  } catch (const c10::Error& e) {
    const std::string text = e.what_without_backtrace();
    throw Error("training", text.substr(0, text.find('\n')));
  }
}

class TorchTrainer : public Trainer {
 public:
  TrainResult fit(const TrainPlan& plan) override {
    return with_torch(plan.options.threads, [&] { return TorchRun(plan).run(); });
  }

  std::vector<int64_t> predict(const ir::Model& model, const data::Dataset& dataset,
                               int threads) override {
    return with_torch(threads, [&] {
      FlatTensors weights;
      TorchGraph graph(model, "model", weights);
      weights.seal(false);
      data::check_compatible(dataset.info(), graph.preprocessing(), graph.item_dims(), "model");
      return train::predict(graph, dataset);
    });
  }
};

}  // namespace

std::unique_ptr<Trainer> make_torch_trainer() { return std::make_unique<TorchTrainer>(); }

}  // namespace pare::train
