// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/pass_command.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "apps/pare/foreign_model.hpp"
#include "apps/pare/input_hash.hpp"
#include "apps/pare/inputs.hpp"
#include "apps/pare/memory_limit.hpp"
#include "apps/pare/option_groups.hpp"
#include "apps/pare/pass_result.hpp"
#include "apps/pare/provenance.hpp"
#include "apps/pare/sibling.hpp"
#include "formats/companions.hpp"
#include "lib/core/hash.hpp"
#include "lib/core/mapped_file.hpp"
#include "lib/core/output_file.hpp"
#include "lib/ir/architectures.hpp"
#include "lib/runtime/tuning.hpp"
#include "lib/train/trainer.hpp"

namespace pare::cli {

namespace {

namespace fs = std::filesystem;

constexpr int64_t kCalibrationSamples = 512;
constexpr int64_t kCalibrationBatch = 32;  // items that calibration runs at a time

using pass::Option;
using pass::Options;
using pass::OptionType;

bool can_train(const pass::PassInfo& info) { return pass::find(info.options, "epochs") != nullptr; }
bool always_trains(Start start) { return start != Start::kModel; }

// Teachers come in through Context, whatever the pass.
void add_teacher(const PassCommand& parts, OptionGroup& group) {
  if (!can_train(*parts.info) || parts.start == Start::kModelOrArch ||
      pass::find(parts.info->options, "teacher")) {
    return;
  }
  const bool more = parts.start == Start::kStudent;
  group.options.push_back(
      {.name = "teacher",
       .type = OptionType::kTextList,
       .help = more ? "A further teacher; the teachers' answers are averaged"
                    : "Model to imitate while training to recover, with --epochs",
       .metavar = "FILE"});
}

OptionGroup model_group(const PassCommand& parts) {
  OptionGroup group{"Model", {output_option("File to write", true), opset_option()}};
  add_teacher(parts, group);
  if (parts.start == Start::kModel) return group;
  std::string names;
  for (const auto& row : ir::all_architectures()) {
    names += (names.empty() ? "" : ", ") + std::string(row.name);
  }
  group.options.push_back({.name = "arch",
                           .help = "Architecture to train: " + names +
                                   "; parameters follow a colon, as in resnet8:width=9 or "
                                   "mlp:784-300-100-10",
                           .metavar = "SPEC"});
  if (parts.start == Start::kStudent) {
    group.options.push_back({.name = "student",
                             .help = "Model to train as the student, from the weights it has",
                             .metavar = "FILE"});
  }
  return group;
}

OptionGroup training_data_group(const PassCommand& parts) {
  OptionGroup group = data_group(always_trains(parts.start) ? "to train on (required)"
                                                            : "to train on, with --epochs");
  group.options.push_back({.name = "validation_fraction",
                           .type = OptionType::kNumber,
                           .help =
                               "Part of the training items kept out to choose the best epoch by "
                               "(default: 0.08)",
                           .min = 0,
                           .max = 0.5,
                           .min_open = true,
                           .metavar = "FRACTION"});
  group.options.push_back({.name = "no_resume",
                           .type = OptionType::kFlag,
                           .help = "Start over instead of going on from OUT.checkpoint",
                           .changes_result = false});
  return group;
}

OptionGroup tuning_group() {
  return {"Speed",
          {{.name = "tuning",
            .help = "Keep layers in f32 that were slower in integers when pare bench "
                    "--save-tuning wrote this file",
            .metavar = "FILE"}}};
}

OptionGroup calibration_group() {
  OptionGroup group{"Calibration data",
                    {{.name = "calibration_data",
                      .help = "Data set whose training part shows the range of activations",
                      .metavar = "PATH"}}};
  for (const Option& option : data_reading_options()) {
    if (option.name != "test_data") group.options.push_back(option);
  }
  return group;
}

// ---- checks on the arguments alone -------------------------------------------------------------

void check_start(const PassCommand& parts, const Options& options) {
  if (parts.start == Start::kStudent) {
    if (options.given("arch") == options.given("student")) {
      throw UsageError("--arch", options.given("arch")
                                     ? "contradicts --student; give one of them"
                                     : "or --student is needed: what should be trained?");
    }
  }
}

void check_training_flags(const PassCommand& parts, const Options& options, bool trains) {
  if (trains) {
    if (parts.start == Start::kModel && options.given("max_memory")) {
      throw UsageError("--max-memory", "has no effect with --epochs");
    }
    if (!options.given("data")) throw UsageError("--data", "is needed to train");
    return;
  }
  std::vector<Option> idle = training_data_group(parts).options;
  for (const Option& option : model_group(parts).options) {
    if (option.name == "teacher") idle.push_back(option);
  }
  for (const Option& option : idle) {
    if (options.given(option.name)) {
      throw UsageError(pass::flag_of(option), "has no effect without --epochs");
    }
  }
}

void check_calibration_flags(const pass::PassInfo& info, const Options& own,
                             const Options& options) {
  const bool needed = info.needs_calibration(own);
  const bool given = options.given("calibration_data");
  if (needed && !given) {
    throw UsageError("--calibration-data",
                     "is needed with these options: activations are measured "
                     "on data, never guessed");
  }
  if (!needed && given) {
    throw UsageError("--calibration-data", "has no effect here: only weights are quantized");
  }
  if (!given) check_data_flags(options, "--calibration-data");
  if (options.given("tuning") && !needed) {
    throw UsageError("--tuning", "has no effect here: nothing runs in integers");
  }
}

void check(const PassCommand& parts, const Options& options) {
  require_output(options, parts.info->name);
  formats::writer_for(options.text("output"));
  const Options own = narrowed(options, parts.info->options);
  parts.info->validate(own);
  check_start(parts, options);
  if (can_train(*parts.info)) check_training_flags(parts, options, parts.info->trains(own));
  if (parts.info->name == "quantize") check_calibration_flags(*parts.info, own, options);
}

// ---- inputs ------------------------------------------------------------------------------------

struct Inputs {
  LoadedModel start;  // path "" when built from --arch
  pass::Context context;
};

std::vector<std::string> teacher_paths(const PassCommand& parts, const Invocation& invocation) {
  std::vector<std::string> paths;
  if (parts.start == Start::kStudent) paths = invocation.positionals;
  if (invocation.options.given("teacher")) {
    for (std::string& path : invocation.options.list("teacher")) paths.push_back(std::move(path));
  }
  return paths;
}

std::string start_path(const PassCommand& parts, const Invocation& invocation) {
  if (parts.start == Start::kStudent) return invocation.text("student");
  return invocation.positionals.empty() ? "" : invocation.positionals.front();
}

// The model to start from, when it is a file, then the teachers.
std::vector<std::string> model_paths(const PassCommand& parts, const Invocation& invocation) {
  std::vector<std::string> paths = teacher_paths(parts, invocation);
  const std::string start = start_path(parts, invocation);
  if (!start.empty()) paths.insert(paths.begin(), start);
  return paths;
}

void load_training_data(const Invocation& invocation, const ir::Model* model,
                        pass::Context& context, data::DatasetInfo& info) {
  const std::string path = invocation.text("data");
  const data::Splits splits = open_data(invocation, path, "train", model);
  context.train = part_of(splits, "train", path);
  context.validation = splits.validation;
  context.test = splits.test;
  context.input_hashes["data"] = context.train->fingerprint();
  if (context.validation) context.input_hashes["validation"] = context.validation->fingerprint();
  info = context.train->info();
}

void load_calibration_data(const Invocation& invocation, const ir::Model& model,
                           pass::Context& context) {
  const std::string path = invocation.text("calibration_data");
  const data::Splits splits = open_data(invocation, path, "train", &model);
  auto items = part_of(splits, "train", path);
  const int64_t wanted = invocation.options.has("calibration_samples")
                             ? invocation.options.integer("calibration_samples")
                             : kCalibrationSamples;
  if (wanted < items->size()) items = data::sample(items, wanted, context.seed);
  context.calibration = items;
  context.input_hashes["calibration"] = items->fingerprint();
}

// Weights of an architecture for this data; passes that train add preprocessing and labels.
ir::Model fresh_model(const std::string& spec, const data::DatasetInfo& info, uint64_t seed) {
  if (info.is_regression()) {
    throw Error(info.source, "holds numbers to predict; training is for classifiers");
  }
  ir::Model model =
      ir::build_architecture(spec, info.item, static_cast<int64_t>(info.classes.size()));
  ir::initialise(model, seed);
  if (!info.columns.is_null()) model.metadata.source["columns"] = info.columns;
  return model;
}

// A training is known by the hashes of all that it begins with; other passes leave the model's to
// the end.
Inputs load_inputs(const PassCommand& parts, const Invocation& invocation, bool trains) {
  Inputs inputs;
  pass::Context& context = inputs.context;
  const std::string path = start_path(parts, invocation);
  for (LoadedModel& loaded : load_models(invocation, model_paths(parts, invocation))) {
    if (!path.empty() && inputs.start.path.empty()) {
      context.input_hashes["model"] =
          trains ? formats::content_sha256(loaded.path) : InputHash::pending();
      inputs.start = std::move(loaded);
      continue;
    }
    const std::string hash = formats::content_sha256(loaded.path);
    context.input_hashes["teacher" + std::to_string(context.teachers.size())] = hash;
    context.teachers.push_back({loaded.path, hash, std::move(loaded.model)});
  }
  context.seed = static_cast<uint64_t>(invocation.options.integer("seed"));
  context.threads = invocation.threads;
  context.trainer = invocation.trainer;
  context.progress = &invocation.progress;
  data::DatasetInfo info;
  const ir::Model* coded = !path.empty()              ? &inputs.start.model
                           : context.teachers.empty() ? nullptr
                                                      : &context.teachers.front().model;
  if (invocation.options.given("data")) load_training_data(invocation, coded, context, info);
  if (invocation.options.given("calibration_data")) {
    load_calibration_data(invocation, inputs.start.model, context);
  }
  if (path.empty()) inputs.start.model = fresh_model(invocation.text("arch"), info, context.seed);
  return inputs;
}

// Everything that is cheap to check before another executable starts all over.
void check_inputs_exist(const PassCommand& parts, const Invocation& invocation) {
  load_models(invocation, model_paths(parts, invocation));
  check_data_exists(invocation.text("data"));
}

// The options with every layer excluded that the tuning file found slower in integers. The file
// counts as an input, the layers as options: history names both.
Options tuned(const Invocation& invocation, const pass::PassInfo& info, const Options& own,
              pass::Context& context) {
  if (info.name != "quantize" || !invocation.options.given("tuning")) return own;
  const std::string path = invocation.text("tuning");
  const auto file = MappedFile::open(path);
  const std::span<const std::byte> bytes = file->bytes();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  context.input_hashes["tuning"] = to_hex(sha256(bytes));
  std::vector<std::string> kept = own.list("exclude");
  for (const runtime::LayerComparison& layer : runtime::parse_tuning(text, path)) {
    if (!layer.slower_in_integers()) continue;
    if (std::ranges::find(kept, layer.node) != kept.end()) continue;
    kept.push_back(layer.node);
    char times[64];
    std::snprintf(times, sizeof times, "%.1f us in float, %.1f in integers", layer.float_us,
                  layer.integer_us);
    invocation.progress.log(layer.node + " stays in float: " + times);
  }
  Json stated = own.stated();
  if (!kept.empty()) stated["exclude"] = kept;
  return Options(info.options, stated);
}

// ---- the run -----------------------------------------------------------------------------------

ExitCode run(const PassCommand& parts, const Invocation& invocation) {
  const pass::PassInfo& info = *parts.info;
  const Options own = narrowed(invocation.options, info.options);
  if (parts.start == Start::kModelOrArch &&
      invocation.positionals.empty() != invocation.options.given("arch")) {
    throw UsageError("--arch", invocation.positionals.empty()
                                   ? "is needed, or a MODEL to go on training from"
                                   : "contradicts the MODEL given to go on training from");
  }
  const std::string output = invocation.text("output");
  const bool trains = info.trains(own);
  check_writable(output);
  if (trains && !invocation.trainer && !invocation.flag("dry_run")) {
    check_inputs_exist(parts, invocation);
    continue_in_pare_train(info.name, invocation.arguments, invocation.threads);
  }
  Inputs inputs = load_inputs(parts, invocation, trains);
  if (parts.start == Start::kModel) {
    check_memory(invocation, inputs.start.path, inputs.start.model,
                 inputs.context.calibration ? kCalibrationBatch : 0);
  }
  if (invocation.flag("dry_run")) {
    invocation.progress.log("inputs are fine; would write " + output);
    return ExitCode::kOk;
  }
  if (trains) {
    inputs.context.checkpoint = output + ".checkpoint";
    inputs.context.resume = !invocation.flag("no_resume");
  }
  std::optional<InputHash> hash;
  if (!trains) hash.emplace(inputs.start.path, invocation.threads);
  const Options resolved = tuned(invocation, info, own, inputs.context);
  ir::Model result = pass::run(info, inputs.start.model, resolved, inputs.context);
  record_command_line(invocation, trains, result);
  formats::WriteOptions writing = write_options(invocation);
  if (hash) writing.complete = hash->completion(result.metadata.history.size() - 1);
  formats::write(result, output, writing);
  if (hash) writing.complete(result.metadata);
  if (trains) {
    std::error_code ignored;
    fs::remove(inputs.context.checkpoint, ignored);
  }
  print_pass_result({.command = info.name,
                     .input = inputs.start.path,
                     .input_bytes = inputs.start.bytes,
                     .output = output,
                     .json = invocation.flag("json")},
                    result);
  return ExitCode::kOk;
}

}  // namespace

Command make_pass_command(PassCommand parts) {
  Command command{.name = parts.info->name,
                  .summary = parts.info->summary,
                  .positional = parts.positional,
                  .examples = parts.examples};
  command.notes = parts.notes;
  command.groups.push_back(model_group(parts));
  if (can_train(*parts.info)) command.groups.push_back(training_data_group(parts));
  if (parts.info->name == "quantize") {
    command.groups.push_back(calibration_group());
    command.groups.push_back(tuning_group());
  }
  for (const OptionGroup& group : parts.groups) command.groups.push_back(group);
  // Where --arch says what to train, a file of weights alone takes the graph of another model.
  command.groups.push_back(parts.start == Start::kModel
                               ? reading_group({"from", "arch", "graph", "bind", "input_shape"})
                               : reading_group({"graph", "bind", "input_shape"}));
  command.groups.push_back(preprocessing_group());
  command.groups.push_back(automation_group());
  OptionGroup general =
      general_group({"threads", "seed", "json", "dry_run", "print_config", "quiet", "verbose"});
  if (parts.start == Start::kModel) {
    general.options.insert(general.options.begin() + 1, max_memory_option());
  }
  command.groups.push_back(std::move(general));
  command.check = [parts](const Options& options) { check(parts, options); };
  command.run = [parts = std::move(parts)](const Invocation& invocation) {
    return run(parts, invocation);
  };
  return command;
}

std::vector<OptionGroup> themed(const pass::Schema& schema, const std::string& title) {
  const pass::Schema training = train::training_options();
  OptionGroup own{title, {}};
  OptionGroup shared{"Training", {}};
  for (const Option& option : schema) {
    (pass::find(training, option.name) ? shared : own).options.push_back(option);
  }
  return {own, shared};
}

const pass::PassInfo& pass_named(std::span<const pass::PassInfo> passes, std::string_view name) {
  for (const pass::PassInfo& info : passes) {
    if (info.name == name) return info;
  }
  throw Bug("no pass called " + std::string(name));
}

}  // namespace pare::cli
