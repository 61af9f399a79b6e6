// SPDX-License-Identifier: Apache-2.0
// Latency, energy and price of an evaluation's models, for every number of threads and items asked
// for.
#pragma once

#include <vector>

#include "lib/core/progress.hpp"
#include "lib/data/dataset.hpp"
#include "lib/eval/evaluate.hpp"
#include "lib/eval/report.hpp"

namespace pare::eval {

// Fills what `report` says of latency, in the order of options.latency_batches and, for each of
// them, options.latency_threads. A candidate of predictions has none.
void add_latency(const std::vector<Candidate>& candidates, const data::Dataset& test,
                 const EvalOptions& options, Report& report, Progress& progress);

}  // namespace pare::eval
