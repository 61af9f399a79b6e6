// SPDX-License-Identifier: Apache-2.0
// pare convert: one format to another, adding preprocessing and class names that a foreign file
// lacks.
#include "apps/pare/commands/commands.hpp"
#include "apps/pare/foreign_model.hpp"
#include "apps/pare/input_hash.hpp"
#include "apps/pare/inputs.hpp"
#include "apps/pare/memory_limit.hpp"
#include "apps/pare/option_groups.hpp"
#include "apps/pare/provenance.hpp"
#include "formats/rehearse.hpp"
#include "lib/core/output_file.hpp"

namespace pare::cli {

namespace {

void check(const pass::Options& options) {
  require_output(options, "convert");
  formats::writer_for(options.text("output"), options.text("to"));
}

ExitCode run(const Invocation& invocation) {
  const std::string& input = invocation.positionals.front();
  const std::string output = invocation.text("output");
  check_writable(output);
  ir::Model model = formats::read(input, read_options(invocation));
  check_memory(invocation, input, model);
  if (states_preprocessing(invocation)) state_preprocessing(invocation, input, model);
  if (!model.graphs.empty() && !model.metadata.preprocessing.stated) {
    invocation.progress.warn(escaped(input) +
                             " states no preprocessing: what runs it must know what to feed it "
                             "(see --input-scale, --mean, --std, --like)");
  }
  model.metadata.history.push_back(conversion_entry(invocation, InputHash::pending()));
  formats::WriteOptions options = write_options(invocation);
  if (invocation.flag("dry_run")) {
    formats::rehearse_write(model, output, options);
  } else {
    const InputHash hash(input, options.threads);
    options.complete = hash.completion(model.metadata.history.size() - 1);
    formats::write(model, output, options);
  }
  return ExitCode::kOk;
}

std::vector<std::string> writable_formats() {
  std::vector<std::string> names;
  for (const formats::FormatRow& row : formats::all_formats()) {
    if (row.write) names.emplace_back(row.name);
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
          .groups = {{"Output",
                      {output_option("File to write; its extension chooses the format", true),
                       {.name = "to",
                        .type = OptionType::kChoice,
                        .help = "Format to write, when the extension does not tell",
                        .choices = writable_formats()},
                       opset_option()}},
                     reading_group({"from", "arch", "graph", "bind", "input_shape"}),
                     preprocessing_group(),
                     automation_group(),
                     general_group({"max_memory", "dry_run", "print_config", "quiet"})},
          .examples = {"pare convert model.onnx --input-scale 0.00392157 --mean 0.286 --std 0.353 "
                       "-o model.pare",
                       "pare convert weights.pth --arch resnet20-cifar -o model.onnx",
                       "pare convert model.int8.pare -o model.c"},
          .run = run,
          .check = check};
}

}  // namespace pare::cli
