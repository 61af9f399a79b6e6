// SPDX-License-Identifier: Apache-2.0
// A small training task that every test of the trainer starts from.
#pragma once

#include <string>
#include <vector>

#include "lib/ir/architectures.hpp"
#include "lib/train/trainer.hpp"

namespace pare::test {

inline data::Splits glyphs(int64_t train_items) {
  return data::open("synthetic:glyphs?train=" + std::to_string(train_items) + "&test=200&seed=3",
                    {});
}

// An untrained model for `data`, two epochs of small batches on one thread.
inline train::TrainPlan plan_for(const std::string& arch, const data::Splits& data) {
  train::TrainPlan plan;
  const auto& info = data.train->info();
  plan.initial = train::ready_for_data(
      ir::build_architecture(arch, info.item, static_cast<int64_t>(info.classes.size())), info);
  plan.initialise = true;
  plan.options = {.epochs = 2, .batch_size = 32, .learning_rate = 0.05, .seed = 11, .threads = 1};
  plan.train = data.train;
  plan.validation = data.validation;
  return plan;
}

// Every parameter's values, in the table's order.
inline std::vector<float> all_weights(const ir::Model& model) {
  std::vector<float> out;
  for (const auto& entry : model.parameters.entries()) {
    const std::vector<float> values = ir::to_f32(entry.tensor);
    out.insert(out.end(), values.begin(), values.end());
  }
  return out;
}

}  // namespace pare::test
