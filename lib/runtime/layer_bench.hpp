// SPDX-License-Identifier: Apache-2.0
// Times every step of one or several sessions: what `pare bench --layers` prints and --save-tuning
// keeps. Steps of all sessions are interleaved, so that a busy moment of the machine hits all
// alike.
#pragma once

#include <span>
#include <vector>

#include "lib/runtime/session.hpp"

namespace pare::runtime {

struct LayerTiming {
  StepInfo step;
  double median_us = 0;
  double p90_us = 0;
  int64_t bytes_moved = 0;  // output activations, once
};

struct LayerBenchOptions {
  int warmup = 3;
  int rounds = 50;
};

// One list a session, in the order of its steps. The sessions have repeatable_steps, and their
// inputs are filled. A step is run as many times in a row as it takes to outlast the clock's
// resolution (2 us) and the mean is one sample.
std::vector<std::vector<LayerTiming>> bench_layers(std::span<Session* const> sessions,
                                                   const LayerBenchOptions& options = {});

}  // namespace pare::runtime
