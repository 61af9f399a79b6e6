// SPDX-License-Identifier: Apache-2.0
// pare convert: one format to another, adding preprocessing and class names that a foreign file
// lacks.
#include <charconv>
#include <cmath>
#include <fstream>

#include "apps/pare/commands/commands.hpp"
#include "apps/pare/inputs.hpp"
#include "apps/pare/option_groups.hpp"
#include "formats/formats.hpp"
#include "lib/core/output_file.hpp"

namespace pare::cli {

namespace {

std::vector<float> numbers(const pass::Options& options, const std::string& name) {
  std::vector<float> out;
  const std::string text = options.text(name);
  for (const char *at = text.data(), *end = at + text.size();;) {
    float value = 0;
    const auto [stop, error] = std::from_chars(at, end, value);
    if (error != std::errc() || !std::isfinite(value) || (stop != end && *stop != ',')) {
      throw UsageError("--" + name,
                       "numbers separated by commas are expected, got \"" + text + "\"");
    }
    if (name == "std" && value <= 0) throw UsageError("--std", "must be above 0");
    out.push_back(value);
    if (stop == end) return out;
    at = stop + 1;
  }
}

std::vector<std::string> read_labels(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw Error(path, "cannot be read");
  std::vector<std::string> labels;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty()) labels.push_back(line);
  }
  if (labels.empty()) throw Error(path, "holds no class names");
  return labels;
}

void check(const pass::Options& options) {
  require_output(options, "convert");
  for (const char* name : {"mean", "std"}) {
    if (options.given(name)) numbers(options, name);
  }
  for (const char* name : {"input_scale", "mean", "std", "layout", "labels"}) {
    if (options.given("like") && options.given(name)) {
      throw UsageError("--like", "already says what --" + std::string(name) + " says; give one");
    }
  }
  formats::writer_for(options.text("output"), options.text("to"));
}

// The dims of one item that the graph's first input takes.
ir::Dims item_of(const ir::Model& model, const std::string& path) {
  const ir::Graph& graph = model.main();
  if (graph.inputs.empty()) throw Error(path, "its graph has no input to preprocess for");
  ir::Shape shape = graph.value(graph.inputs.front()).shape;
  if (!shape.empty()) shape.erase(shape.begin());
  return ir::known_dims(shape, path);
}

void state_preprocessing(const pass::Options& options, const std::string& path, ir::Model& model) {
  ir::Preprocessing& stated = model.metadata.preprocessing;
  if (options.given("like")) {
    const ir::Model like = formats::read(options.text("like"));
    if (!like.metadata.preprocessing.stated) {
      throw Error(options.text("like"), "states no preprocessing to take over");
    }
    stated = like.metadata.preprocessing;
    model.metadata.labels = like.metadata.labels;
    return;
  }
  const bool numbers_given = options.given("input_scale") || options.given("mean") ||
                             options.given("std") || options.given("layout");
  if (numbers_given) {
    stated.stated = true;
    if (stated.size.empty()) stated.size = item_of(model, path);
  }
  if (options.given("input_scale")) {
    stated.input_scale = static_cast<float>(options.number("input_scale"));
  }
  if (options.given("mean")) stated.mean = numbers(options, "mean");
  if (options.given("std")) stated.std = numbers(options, "std");
  if (options.given("layout")) stated.layout = options.text("layout");
  if (options.given("labels")) model.metadata.labels = read_labels(options.text("labels"));
}

ExitCode run(const Invocation& invocation) {
  const std::string& input = invocation.positionals.front();
  const std::string output = invocation.text("output");
  check_writable(output);
  ir::Model model = formats::read(input, {.format = invocation.text("from")});
  state_preprocessing(invocation.options, input, model);
  if (!invocation.flag("dry_run")) formats::write(model, output, {.format = invocation.text("to")});
  return ExitCode::kOk;
}

std::vector<std::string> format_names(bool reading) {
  std::vector<std::string> names;
  for (const formats::FormatRow& row : formats::all_formats()) {
    if (reading ? row.read != nullptr : row.write != nullptr) names.emplace_back(row.name);
  }
  return names;
}

}  // namespace

Command make_convert() {
  using pass::OptionType;
  return {.name = "convert",
          .summary =
              "Write a model in another format, or add preprocessing and class names that its "
              "file does not state",
          .positional = {"MODEL", "The model to read", 1, 1},
          .groups = {{"Formats",
                      {output_option("File to write; its extension chooses the format", true),
                       {.name = "from",
                        .type = OptionType::kChoice,
                        .help = "Format of MODEL, when its content and extension do not tell",
                        .choices = format_names(true)},
                       {.name = "to",
                        .type = OptionType::kChoice,
                        .help = "Format to write, when the extension does not tell",
                        .choices = format_names(false)}}},
                     preprocessing_group(),
                     general_group({"dry_run", "print_config", "quiet"})},
          .examples = {"pare convert model.pare --input-scale 0.00392157 --mean 0.286 --std 0.353 "
                       "-o stated.pare"},
          .run = run,
          .check = check};
}

}  // namespace pare::cli
