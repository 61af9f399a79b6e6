// SPDX-License-Identifier: Apache-2.0
#include "quantize/request.hpp"

#include <algorithm>
#include <array>

#include "lib/core/error.hpp"
#include "quantize/edge_layers.hpp"

namespace pare::quantize {

namespace {

using pass::OptionType;

constexpr int64_t kDefaultGroupSize = 32;
// Of all weights: how large a first or last layer may be to get 8 bits instead of 4.
constexpr double kEdgeShare = 0.05;

std::string scheme_of(const pass::Options& options) {
  if (options.given("scheme")) return options.text("scheme");
  return options.integer("bits") == 4 ? "w4a16" : "w8a16";
}

bool four_bits(const pass::Options& options) { return scheme_of(options).starts_with("w4"); }

std::string granularity_of(const pass::Options& options) {
  if (options.given("granularity")) return options.text("granularity");
  if (options.given("group_size")) return "group";
  return four_bits(options) ? "group" : "channel";
}

// Whether groups along the rows of the layer's weight are groups of what its products add up.
bool has_output_rows(const ir::Model& model, const pass::WeightLayer& layer) {
  return layer.output_axis == 0 && !layer.uses.empty() &&
         model.parameters.at(layer.parameter).dims().size() == 2 &&
         std::ranges::all_of(layer.uses, [&](const pass::WeightUse& use) {
           return model.graphs[use.graph].node(use.node).op == "Gemm";
         });
}

pass::Schema weight_options() {
  return {
      {.name = "scheme",
       .type = OptionType::kChoice,
       .help =
           "w8a8, w4a8: integer arithmetic, needs --calibration-data; under w4a8 fully connected "
           "layers have 4-bit weights, convolutions 8-bit ones. w8a16, w4a16: weights only, "
           "computed in f32",
       .choices = {"w8a8", "w4a8", "w8a16", "w4a16"}},
      {.name = "bits",
       .type = OptionType::kInteger,
       .help = "Weights only: 8 is --scheme w8a16, 4 is --scheme w4a16",
       .min = 4,
       .max = 8,
       .metavar = "4|8"},
      {.name = "granularity",
       .type = OptionType::kChoice,
       .help =
           "One scale for a tensor, an output channel, or a group along a row (default: group for "
           "4 bits, else channel)",
       .choices = {"tensor", "channel", "group"}},
      {.name = "group_size",
       .type = OptionType::kInteger,
       .help = "Weights that share a scale with --granularity group (default: 32)",
       .min = 8,
       .max = 1024,
       .metavar = "N"},
      {.name = "symmetric",
       .type = OptionType::kFlag,
       .help = "Weight codes are centred on zero (the default)"},
      {.name = "asymmetric",
       .type = OptionType::kFlag,
       .help =
           "Weights only: codes get a zero point, for lopsided ranges at one more number a group"},
      {.name = "weight_scales",
       .type = OptionType::kChoice,
       .help =
           "Scales of least squared error (mse, the default for 4 bits, which are then balanced "
           "too), or covering the range and rounding to nearest (range, the default for 8, and "
           "always under w8a8)",
       .choices = {"mse", "range"}},
      {.name = "exclude",
       .type = OptionType::kTextList,
       .help = "Keep layers in f32 whose weight or node name matches; * and ? are wildcards",
       .metavar = "PATTERN"},
      {.name = "layer",
       .type = OptionType::kTextList,
       .help =
           "Give matching layers their own weight bits (4, 8, or 32 to keep f32); convolutions of "
           "4 bits compute in f32",
       .metavar = "PATTERN=bits:N"},
  };
}

pass::Schema calibration_options() {
  return {
      {.name = "calibration_method",
       .type = OptionType::kChoice,
       .help = "w8a8, w4a8: how activation ranges are chosen: all seen values (minmax), cut tails "
               "(percentile), least divergence (entropy), least squared error (mse, the default)",
       .choices = {"minmax", "percentile", "entropy", "mse"}},
      {.name = "calibration_samples",
       .type = OptionType::kInteger,
       .help =
           "w8a8, w4a8: items of the calibration data to run, classes in proportion (default: 512)",
       .min = 1,
       .max = 1e9,
       .metavar = "N"},
      {.name = "percentile",
       .type = OptionType::kNumber,
       .help = "With --calibration-method percentile: share of values inside the range (default: "
               "99.99)",
       .min = 50,
       .max = 100,
       .min_open = true,
       .metavar = "PERCENT"},
      {.name = "split_residuals",
       .type = OptionType::kFlag,
       .help =
           "w8a8, w4a8: a convolution before a residual addition gets codes of its own, which ONNX "
           "Runtime needs to run it in integers; here it is one more rounding and step"},
  };
}

void refuse(const pass::Options& options, const char* name, bool refused, const std::string& why) {
  if (!refused || !options.given(name)) return;
  std::string flag = "--" + std::string(name);
  std::ranges::replace(flag, '_', '-');
  throw UsageError(flag, "has no effect " + why);
}

std::vector<pass::LayerRule> layer_rules(const pass::Options& options) {
  auto rules = pass::parse_layer_rules(options.list("layer"), "bits");
  for (const auto& rule : rules) {
    if (rule.value != 4 && rule.value != 8 && rule.value != 32) {
      throw UsageError("--layer " + rule.pattern, "bits must be 4, 8 or 32");
    }
  }
  return rules;
}

}  // namespace

bool integer_scheme(const pass::Options& options) { return scheme_of(options).ends_with("a8"); }

pass::Schema request_options() {
  pass::Schema rows = weight_options();
  for (auto& row : calibration_options()) rows.push_back(std::move(row));
  return rows;
}

void validate_request(const pass::Options& options) {
  if (options.given("scheme") && options.given("bits")) {
    throw UsageError("--bits", "cannot be combined with --scheme: --bits N means weights only");
  }
  if (!options.given("scheme") && !options.given("bits")) {
    throw UsageError("--scheme",
                     "is needed: w8a8 or w4a8 (with --calibration-data), w8a16 or w4a16");
  }
  if (options.given("bits") && options.integer("bits") != 4 && options.integer("bits") != 8) {
    throw UsageError("--bits", "must be 4 or 8, got " + std::to_string(options.integer("bits")));
  }
  const bool integers = integer_scheme(options);
  const std::string scheme = scheme_of(options);
  for (const char* name :
       {"calibration_method", "calibration_samples", "percentile", "split_residuals"}) {
    refuse(options, name, !integers, "without --scheme w8a8 or w4a8");
  }
  const bool percentile = options.text("calibration_method") == "percentile";
  refuse(options, "percentile", !percentile, "without --calibration-method percentile");
  refuse(options, "group_size", granularity_of(options) != "group", "without --granularity group");
  if (scheme == "w8a8" && granularity_of(options) == "group") {
    throw UsageError("--granularity", "of w8a8 must be channel or tensor");
  }
  if (scheme == "w4a8" && granularity_of(options) != "group") {
    throw UsageError("--granularity", "of w4a8 must be group");
  }
  if (options.flag("asymmetric") && options.flag("symmetric")) {
    throw UsageError("--asymmetric", "cannot be combined with --symmetric");
  }
  if (integers && options.flag("asymmetric")) {
    throw UsageError("--asymmetric",
                     "is for weights only: weights of " + scheme + " are symmetric");
  }
  if (scheme == "w8a8" && options.given("weight_scales")) {
    throw UsageError("--weight-scales", "has no effect under w8a8: its scales cover the range");
  }
  layer_rules(options);
}

Request resolve_request(const pass::Options& options) {
  constexpr std::array kMethods{std::pair{"minmax", CalibrationMethod::kMinMax},
                                std::pair{"percentile", CalibrationMethod::kPercentile},
                                std::pair{"entropy", CalibrationMethod::kEntropy},
                                std::pair{"mse", CalibrationMethod::kMse}};
  Request request;
  const std::string granularity = granularity_of(options);
  request.weight_bits = four_bits(options) ? 4 : 8;
  request.integer_activations = integer_scheme(options);
  request.weights.symmetric = !options.flag("asymmetric");
  request.weights.granularity = granularity == "tensor"    ? Granularity::kTensor
                                : granularity == "channel" ? Granularity::kChannel
                                                           : Granularity::kGroup;
  request.weights.group_size =
      options.has("group_size") ? options.integer("group_size") : kDefaultGroupSize;
  if (options.given("weight_scales")) {
    request.search_scales = options.text("weight_scales") == "mse";
  }
  for (const auto& [word, method] : kMethods) {
    if (options.text("calibration_method") == word) request.method = method;
  }
  if (options.has("percentile")) request.percentile = options.number("percentile");
  if (options.has("calibration_samples")) request.samples = options.integer("calibration_samples");
  if (options.flag("split_residuals")) request.residuals = Residuals::kSplit;
  return request;
}

void refuse_quantized(const ir::Model& model) {
  for (const auto& [name, tensor] : model.parameters.entries()) {
    if (!tensor.is_quantized()) continue;
    throw Error(escaped(name), "is quantized already: quantize the float model instead");
  }
}

std::vector<LayerPlan> plan_layers(const ir::Model& model, const pass::Options& options) {
  const auto layers = pass::without(pass::weight_layers(model), options.list("exclude"));
  if (layers.empty()) throw Error("model", "has no weights to quantize");
  const auto rules = layer_rules(options);
  const auto held = pass::rules_for(layers, rules);
  const Request request = resolve_request(options);
  const auto edges = request.weight_bits == 4 ? edge_layers(model) : std::set<std::string>();
  int64_t all = 0;
  for (const auto& layer : layers) all += model.parameters.at(layer.parameter).count();
  std::vector<LayerPlan> plan;
  for (size_t i = 0; i < layers.size(); ++i) {
    const std::string& name = layers[i].parameter;
    const auto share =
        static_cast<double>(model.parameters.at(name).count()) / static_cast<double>(all);
    const bool wide = request.integer_activations && !has_output_rows(model, layers[i]);
    const int usual = wide ? 8 : request.weight_bits;
    const bool edge =
        held[i] == nullptr && usual == 4 && edges.contains(name) && share <= kEdgeShare;
    const int own = held[i] != nullptr ? static_cast<int>(held[i]->value) : edge ? 8 : usual;
    if (own != 32) plan.push_back({layers[i], own, edge});
  }
  return plan;
}

}  // namespace pare::quantize
