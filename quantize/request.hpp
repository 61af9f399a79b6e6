// SPDX-License-Identifier: Apache-2.0
// The options of quantize, and what they mean once resolved: one scheme for the model, and for each
// layer the bits of its weight.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/ir/model.hpp"
#include "lib/pass/pass.hpp"
#include "lib/pass/weight_layers.hpp"
#include "quantize/weight_tensor.hpp"

namespace pare::quantize {

enum class CalibrationMethod : uint8_t { kMinMax, kPercentile, kEntropy, kMse };

// Under w8a8 and w4a8: whether a convolution and the residual added to it are one step (exact in
// f32 until the sum is rounded) or two, with codes between them.
enum class Residuals : uint8_t { kFused, kSplit };

struct Request {
  int weight_bits = 8;
  bool integer_activations = false;   // w8a8, w4a8
  WeightScheme weights;               // axis is set for each layer
  std::optional<bool> search_scales;  // absent: for fewer than 8 bits
  CalibrationMethod method = CalibrationMethod::kMse;
  double percentile = 99.99;
  int64_t samples = 512;
  Residuals residuals = Residuals::kFused;
};

pass::Schema request_options();
// Checks that need no model: throws UsageError.
void validate_request(const pass::Options& options);
Request resolve_request(const pass::Options& options);

struct LayerPlan {
  pass::WeightLayer layer;
  int bits = 8;
  bool edge = false;  // a first or last layer that gets 8 bits instead of 4
};
// Whether the scheme computes in integers, and so needs calibration data.
bool integer_scheme(const pass::Options& options);
// Throws Error(parameter, ...) when the model is quantized already.
void refuse_quantized(const ir::Model& model);
// Every layer that becomes quantized. Under w4a8 those with 4 bits are the ones whose weight has
// its output channels as rows, so that groups are groups of the reduction: see
// pass::with_output_rows. Under w4a16 and w4a8, the first and the last layers of the main graph get
// 8 bits unless --layer says otherwise: they are the most sensitive ones, and only those that hold
// at most 5 % of the weights, so that the file stays small. Throws Error on a pattern that matches
// nothing and a model without weights.
std::vector<LayerPlan> plan_layers(const ir::Model& model, const pass::Options& options);

}  // namespace pare::quantize
