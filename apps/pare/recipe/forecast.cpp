// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/recipe/forecast.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "apps/pare/recipe/identity.hpp"
#include "formats/formats.hpp"
#include "lib/data/dataset.hpp"
#include "lib/ir/architectures.hpp"

namespace pare::cli {

namespace {

namespace fs = std::filesystem;

constexpr int64_t kContainer = 1500;      // a .pare file without tensors ...
constexpr int64_t kContainerTensor = 90;  // ... and names, hashes and places for one of them
constexpr int64_t kProcess = 20'000'000;  // pare and its libraries
constexpr int64_t kTorch = 190'000'000;   // pare-train and libtorch
constexpr int64_t kF32 = 4;
constexpr int64_t kBatch = 64;  // where a step does not say
// Weights, gradients, momentum and the best epoch's weights.
constexpr int64_t kTrainingCopies = 4;
// Of every activation: its value and its gradient.
constexpr int64_t kActivationCopies = 2;

bool is_weight(const ir::Tensor& tensor) {
  return tensor.dims().size() >= 2 && tensor.dtype() == ir::DType::kF32;
}

// Elements of all values that one item makes on its way through the graph.
int64_t activations(const ir::Model& model) {
  int64_t total = 0;
  if (model.graphs.empty()) return 0;
  for (const ir::Value& value : model.main().values()) {
    if (!value.parameter.empty()) continue;
    int64_t count = 1;
    for (const ir::Dim& dim : value.shape)
      count *= dim.known() ? std::max<int64_t>(dim.size, 1) : 1;
    total += count;
  }
  return total;
}

bool trains(const RecipeStep& step) {
  const std::string& name = step.command.name;
  return name == "train" || name == "distill" || (name == "prune" && step.options.given("epochs"));
}

// The batch size of eval is a list of those to time, and small beside what it predicts with.
int64_t batch_of(const RecipeStep& step) {
  const Json batch = step.options.resolved().value("batch_size", Json());
  return batch.is_number_integer() ? batch.get<int64_t>() : kBatch;
}

std::string model_input(const RecipeStep& step) {
  if (step.command.name == "distill") return step.options.text("student");
  return step.positionals.empty() ? "" : step.positionals.front();
}

}  // namespace

// The weights of an architecture, for the data that the step trains on.
std::optional<Forecaster::Expected> Forecaster::fresh(const RecipeStep& step) {
  data::OpenOptions open{.split = "train"};
  if (step.options.given("label_column")) open.label_column = step.options.text("label_column");
  if (step.options.given("limit")) open.limit = step.options.integer("limit");
  const data::Splits splits = data::open(step.options.text("data"), open);
  if (!splits.train) return {};
  const data::DatasetInfo& info = splits.train->info();
  return Expected{
      .model = std::make_shared<ir::Model>(ir::build_architecture(
          step.options.text("arch"), info.item, static_cast<int64_t>(info.classes.size())))};
}

std::optional<Forecaster::Expected> Forecaster::expected_at(const std::string& path) {
  const auto known = known_.find(path);
  if (known != known_.end()) return known->second;
  std::optional<Expected> out;
  try {
    // TorchScript takes a process with libtorch to read.
    if (formats::format_of(path).name != "torchscript") {
      out = Expected{.model = std::make_shared<ir::Model>(formats::read(path)), .as_read = true};
    }
  } catch (const Error&) {  // the step itself will say what is wrong
  }
  return known_[path] = out;
}

std::optional<Forecaster::Expected> Forecaster::result_of(const RecipeStep& step) {
  const std::string& name = step.command.name;
  if (name == "predict" || name == "eval") return {};
  const std::string input = model_input(step);
  if (input.empty()) return fresh(step);
  std::optional<Expected> out = expected_at(input);
  if (!out) return {};
  const pass::Options& options = step.options;
  if (name == "prune") {
    out->sparsity = options.text("pattern") == "2:4" ? 0.5
                    : options.given("sparsity")      ? options.number("sparsity")
                                                     : out->sparsity;
  }
  if (name == "quantize") {
    const bool four = options.given("bits") ? options.integer("bits") == 4
                                            : options.text("scheme").starts_with("w4");
    out->weight_bits = four ? 4 : 8;
    out->wide_filters = options.text("scheme") == "w4a8";
    const bool grouped = options.given("granularity") ? options.text("granularity") == "group"
                                                      : four || options.given("group_size");
    if (grouped) out->group = options.given("group_size") ? options.integer("group_size") : 32;
  }
  if (name != "convert") out->as_read = false;
  return out;
}

int64_t Forecaster::bytes_of(const Expected& expected) {
  int64_t bytes = kContainer;
  for (const auto& [name, tensor] : expected.model->parameters.entries()) {
    bytes += kContainerTensor;
    if (expected.as_read || !is_weight(tensor)) {
      bytes += tensor.stored_bytes();
      continue;
    }
    const auto count = static_cast<double>(tensor.count());
    const bool wide = expected.wide_filters && tensor.dims().size() > 2;
    const double bits = wide ? 8 : expected.weight_bits;
    const int64_t group = wide ? 0 : expected.group;
    double stored = std::ceil(count * (1 - expected.sparsity) * bits / 8);
    if (expected.sparsity > 0) stored += std::ceil(count / 8);
    if (bits < 32) {
      const auto rows = static_cast<double>(tensor.dims().front());
      const double scales = std::ceil(count / rows / static_cast<double>(group));
      stored += group > 0 ? rows * scales * 2 : rows * kF32;
    }
    bytes += static_cast<int64_t>(stored);
  }
  return bytes;
}

int64_t Forecaster::memory_of(const RecipeStep& step, const ir::Model& model) {
  const pass::Options& options = step.options;
  int64_t weights = 0;
  for (const auto& [name, tensor] : model.parameters.entries()) weights += tensor.count() * kF32;
  if (trains(step)) {
    return kTorch + kTrainingCopies * weights +
           kActivationCopies * kF32 * activations(model) * batch_of(step);
  }
  int64_t batch = 0;
  if (step.command.name == "predict" || step.command.name == "eval") {
    batch = batch_of(step);
  } else if (options.given("calibration_data")) {
    batch = kBatch;
  }
  return kProcess + 2 * weights + kF32 * activations(model) * batch;
}

Forecast Forecaster::of(const RecipeStep& step) {
  Forecast out;
  try {
    const std::optional<Expected> result = result_of(step);
    if (result && !step.outputs.empty()) {
      known_[step.outputs.front()] = result;
      const bool is_model = formats::writer_for(step.outputs.front(), "").read != nullptr;
      if (is_model) out.bytes = bytes_of(*result);
    }
    const std::optional<Expected> input =
        result || step.positionals.empty() ? result : expected_at(step.positionals.front());
    if (input) out.memory = memory_of(step, *input->model);
  } catch (const Error&) {  // the step itself will say what is wrong
  }
  return out;
}

std::string rounded_bytes(int64_t bytes) {
  double value = static_cast<double>(bytes);
  const char* unit = "bytes";
  for (const char* next : {"KB", "MB", "GB", "TB"}) {
    if (value < 1000) break;
    value /= 1000;
    unit = next;
  }
  char text[48];
  std::snprintf(text, sizeof text, value < 10 && unit[0] != 'b' ? "%.1f %s" : "%.0f %s", value,
                unit);
  return text;
}

}  // namespace pare::cli
