// SPDX-License-Identifier: Apache-2.0
#include "lib/train/optimizer.hpp"

#include <cmath>

namespace pare::train {

namespace {

constexpr double kBeta1 = 0.9;
constexpr double kBeta2 = 0.999;
constexpr float kEpsilon = 1e-8F;

void sgd_step(std::span<float> weights, std::span<const float> gradients, std::span<float> velocity,
              float rate, float momentum, float decay) {
  for (size_t i = 0; i < weights.size(); ++i) {
    const float g = gradients[i] + decay * weights[i];
    velocity[i] = momentum * velocity[i] + g;
    weights[i] -= rate * (g + momentum * velocity[i]);
  }
}

struct AdamRates {
  float rate;           // of the step, bias correction of the first moment included
  float root_of_bias2;  // sqrt(1 - beta2^t)
  float l2;             // added to the gradient
  float shrink;         // weights are multiplied by it first
};

void adam_step(std::span<float> weights, std::span<const float> gradients, std::span<float> first,
               std::span<float> second, const AdamRates& rates) {
  constexpr auto kB1 = static_cast<float>(kBeta1);
  constexpr auto kB2 = static_cast<float>(kBeta2);
  for (size_t i = 0; i < weights.size(); ++i) {
    const float g = gradients[i] + rates.l2 * weights[i];
    first[i] = kB1 * first[i] + (1 - kB1) * g;
    second[i] = kB2 * second[i] + (1 - kB2) * g * g;
    const float denominator = std::sqrt(second[i]) / rates.root_of_bias2 + kEpsilon;
    weights[i] = rates.shrink * weights[i] - rates.rate * first[i] / denominator;
  }
}

}  // namespace

FlatOptimizer::FlatOptimizer(const TrainOptions& options, size_t size)
    : kind_(options.optimizer),
      weight_decay_(static_cast<float>(options.weight_decay)),
      state_(options.optimizer == Optimizer::kSgd ? 1 : 2, std::vector<float>(size, 0.0F)) {}

void FlatOptimizer::step(std::span<float> weights, std::span<const float> gradients,
                         const StepRates& rates, int64_t count) {
  const auto rate = static_cast<float>(rates.learning_rate);
  if (kind_ == Optimizer::kSgd) {
    sgd_step(weights, gradients, state_[0], rate, static_cast<float>(rates.momentum),
             weight_decay_);
    return;
  }
  const auto t = static_cast<double>(count + 1);
  const bool decoupled = kind_ == Optimizer::kAdamW;
  adam_step(weights, gradients, state_[0], state_[1],
            {.rate = static_cast<float>(rates.learning_rate / (1 - std::pow(kBeta1, t))),
             .root_of_bias2 = static_cast<float>(std::sqrt(1 - std::pow(kBeta2, t))),
             .l2 = decoupled ? 0.0F : weight_decay_,
             .shrink = decoupled ? 1 - rate * weight_decay_ : 1.0F});
}

}  // namespace pare::train
