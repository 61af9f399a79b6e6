// SPDX-License-Identifier: Apache-2.0
#include "lib/train/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace pare::train {

namespace {

constexpr double kWarmUp = 0.3;             // share of a one-cycle run
constexpr double kInitialDivisor = 25;      // peak / first learning rate
constexpr double kFinalDivisor = 25 * 1e4;  // peak / last learning rate
constexpr double kMomentumSwing = 0.05;
constexpr double kMaxMomentum = 0.999;

// Half a cosine from `from` (t = 0) to `to` (t = 1).
double cosine(double from, double to, double t) {
  return to + (from - to) * (1 + std::cos(std::numbers::pi * t)) / 2;
}

StepRates one_cycle(const TrainOptions& options, double step, double total) {
  const double peak = options.learning_rate;
  const double high = std::min(kMaxMomentum, options.momentum + kMomentumSwing);
  const double low = std::max(0.0, options.momentum - kMomentumSwing);
  // The last step sits at t = 1 exactly; a run of a few steps still has both phases.
  const double top = std::max(1.0, kWarmUp * total - 1);
  const double last = std::max(top + 1, total - 1);
  if (step <= top) {
    const double t = step / top;
    return {cosine(peak / kInitialDivisor, peak, t), cosine(high, low, t)};
  }
  const double t = (step - top) / (last - top);
  return {cosine(peak, peak / kFinalDivisor, t), cosine(low, high, t)};
}

}  // namespace

StepRates rates_at(const TrainOptions& options, int64_t step, int64_t steps_per_epoch) {
  const double peak = options.learning_rate;
  const auto total = static_cast<double>(steps_per_epoch * options.epochs);
  const auto now = static_cast<double>(step);
  switch (options.schedule) {
    case LearningRateSchedule::kConstant:
      return {peak, options.momentum};
    case LearningRateSchedule::kCosine:
      return {cosine(peak, 0, now / total), options.momentum};
    case LearningRateSchedule::kStep: {
      const int64_t drops = step / steps_per_epoch / options.step_epochs;
      return {peak / std::pow(10.0, static_cast<double>(drops)), options.momentum};
    }
    case LearningRateSchedule::kOneCycle:
      return one_cycle(options, now, total);
  }
  return {peak, options.momentum};
}

}  // namespace pare::train
