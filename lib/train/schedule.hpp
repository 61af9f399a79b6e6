// SPDX-License-Identifier: Apache-2.0
// Learning rate and momentum of every optimizer step, as a pure function of the step, so that a
// resumed run needs no scheduler state.
#pragma once

#include "lib/train/trainer.hpp"

namespace pare::train {

struct StepRates {
  double learning_rate = 0;
  double momentum = 0;
};

// `step` in [0, steps_per_epoch * options.epochs).
//   constant  peak
//   cosine    peak * (1 + cos(pi t)) / 2                        (Loshchilov and Hutter 2017, one
//   cycle) step      peak / 10^floor(epoch / step_epochs) onecycle  cosine from peak / 25 up to
//   peak in the first 30 %, then cosine down to peak / 250,000;
//             sgd's momentum goes from +0.05 to -0.05 about its value and back (Smith 2018, section
//             4)
StepRates rates_at(const TrainOptions& options, int64_t step, int64_t steps_per_epoch);

}  // namespace pare::train
