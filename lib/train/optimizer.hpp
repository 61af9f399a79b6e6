// SPDX-License-Identifier: Apache-2.0
// Optimizer steps over one flat buffer that holds every trained parameter: plain loops, the same
// bits for any thread count, and a state that a checkpoint stores as it stands.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lib/train/schedule.hpp"

namespace pare::train {

class FlatOptimizer {
 public:
  // Throws nothing; `size` is the number of floats in the flat buffer.
  FlatOptimizer(const TrainOptions& options, size_t size);

  // One step on weights[size] with gradients[size]; `count` is the number of steps taken before.
  //   sgd    g += wd*w;  v = mu*v + g;  w -= lr*(g + mu*v)     (Nesterov as in Sutskever et al.
  //   2013,
  //          in the form that evaluates gradients at w)
  //   adam   g += wd*w;  w -= lr * mhat / (sqrt(vhat) + 1e-8)  (Kingma and Ba 2015, b1 0.9, b2
  //   0.999) adamw  w -= lr*wd*w first, then adam without wd           (Loshchilov and Hutter 2019)
  void step(std::span<float> weights, std::span<const float> gradients, const StepRates& rates,
            int64_t count);

  // Momentum (sgd) or first and second moments (adam), each as long as the weights.
  std::vector<std::vector<float>>& state() { return state_; }

 private:
  Optimizer kind_;
  float weight_decay_;
  std::vector<std::vector<float>> state_;
};

}  // namespace pare::train
