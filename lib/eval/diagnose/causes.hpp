// SPDX-License-Identifier: Apache-2.0
// Why a part of a compressed model is off, told from what was measured: its weights against the
// base's weights, and the range of its codes against the values that the base gives there. Every
// cause comes with its figures. Thresholds are in docs/diagnose.md, with reasons.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/core/json.hpp"
#include "lib/eval/diagnose/layer_outputs.hpp"
#include "lib/eval/diagnose/layer_pairs.hpp"

namespace pare::eval {

enum class Cause : uint8_t {
  kPreprocessing,   // the two state other preprocessing
  kOutlierChannel,  // one channel's scale is off, or one channel takes the range of all
  kSaturation,      // values lie beyond the range of the codes
  kDeadRange,       // the codes' range is far wider than the values
  kFewSamples,      // likewise either, with a calibration on few items
  kPerTensor,       // one scale for channels of very different ranges
  kPrunedChannel,   // a channel that did something has no weights left
  kPrunedWeights,   // most of what a layer did went with its pruned weights
  kCoarseWeights,   // the weights' own rounding
  kUnexplained,     // a large share of the drop without any of these
};
std::string_view id_of(Cause cause);     // "outlier_channel"
std::string_view title_of(Cause cause);  // "outlier channel"

struct Evidence {
  Cause cause = Cause::kUnexplained;
  std::string text;  // one sentence with the figures
  Json figures = Json::object();
};

// What the weights of a layer show, worst first. Empty when nothing is suspicious.
std::vector<Evidence> weight_evidence(const Part& part);
// What the range of the output's codes shows against values of the base. `calibration_samples`:
// items that the candidate's history says it was calibrated on, 0 when it does not say.
std::vector<Evidence> range_evidence(const Part& part, const ObservedOutput& seen,
                                     int64_t calibration_samples);
// The squared error that rounding what was seen to the candidate's codes makes, over all elements.
double code_error(const Part& part, const ObservedOutput& seen);
Evidence preprocessing_evidence(const ir::Preprocessing& base, const ir::Preprocessing& candidate);

}  // namespace pare::eval
