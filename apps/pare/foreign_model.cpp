// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/foreign_model.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <fstream>
#include <optional>

#include "apps/pare/lowering.hpp"
#include "lib/ir/architectures.hpp"

namespace pare::cli {

using pass::Option;
using pass::Options;
using pass::OptionType;

namespace {

constexpr std::string_view kReading = "Reading (what a model's file leaves open)";
constexpr std::string_view kPreprocessing =
    "Preprocessing (what a model from elsewhere does not state)";

const OptionGroup* group_titled(const Command& command, std::string_view title) {
  const auto it = std::ranges::find(command.groups, title, &OptionGroup::title);
  return it == command.groups.end() ? nullptr : &*it;
}

std::vector<std::string> readable_formats() {
  std::vector<std::string> names;
  for (const formats::FormatRow& row : formats::all_formats()) {
    if (row.read) names.emplace_back(row.name);
  }
  return names;
}

// "1" or "2,3"; nothing when that is not what the text is.
template <class T>
std::optional<std::vector<T>> comma_separated(std::string_view text) {
  std::vector<T> values;
  for (const char *at = text.data(), *end = at + text.size();;) {
    T value = 0;
    const auto [stop, error] = std::from_chars(at, end, value);
    if (error != std::errc() || !std::isfinite(value) || (stop != end && *stop != ',')) return {};
    values.push_back(value);
    if (stop == end) return values;
    at = stop + 1;
  }
}

// "batch,3,32,32" or "1,512", "i64:" before it for another type than f32.
std::optional<formats::InputShape> input_shape(std::string_view text) {
  formats::InputShape out;
  if (const size_t colon = text.find(':'); colon != std::string_view::npos) {
    const auto dtype = ir::dtype_from_name(text.substr(0, colon));
    if (!dtype) return {};
    out.dtype = *dtype;
    text.remove_prefix(colon + 1);
  }
  if (text.empty()) return out;
  while (true) {
    const std::string_view word = text.substr(0, text.find(','));
    int64_t size = 0;
    const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), size);
    if (error == std::errc() && stop == word.data() + word.size() && size >= 0) {
      out.shape.emplace_back(size);
    } else if (!word.empty() && std::ranges::all_of(word, [](unsigned char c) {
                 return std::isalpha(c) != 0 || c == '_';
               })) {
      out.shape.emplace_back(std::string(word));
    } else {
      return {};
    }
    if (word.size() == text.size()) return out;
    text.remove_prefix(word.size() + 1);
  }
}

// "batch,3,32,32" or "NAME=batch,3,32,32".
std::pair<std::string, formats::InputShape> named_shape(const std::string& text) {
  const size_t equals = text.find('=');
  const std::string name = equals == std::string::npos ? "" : text.substr(0, equals);
  const size_t from = equals == std::string::npos ? 0 : equals + 1;
  const auto shape = input_shape(std::string_view(text).substr(from));
  if (!shape || equals == 0) {
    throw UsageError(
        "--input-shape",
        "[NAME=][DTYPE:]SIZE,SIZE,... is expected, as in batch,3,32,32, got \"" + text + "\"");
  }
  return {name, *shape};
}

// "NAME=1" or "NAME=2,3".
std::pair<std::string, std::vector<double>> binding(const std::string& text) {
  const size_t equals = text.find('=');
  std::optional<std::vector<double>> values;
  if (equals != 0 && equals != std::string::npos) {
    values = comma_separated<double>(std::string_view(text).substr(equals + 1));
  }
  if (!values) {
    throw UsageError("--bind", "NAME=VALUE[,VALUE...] is expected, got \"" + text + "\"");
  }
  return {text.substr(0, equals), *values};
}

std::vector<float> numbers(const Options& options, const std::string& name) {
  const std::string text = options.text(name);
  const std::optional<std::vector<float>> values = comma_separated<float>(text);
  if (!values) {
    throw UsageError("--" + name, "numbers separated by commas are expected, got \"" + text + "\"");
  }
  if (name == "std" && std::ranges::any_of(*values, [](float x) { return x <= 0; })) {
    throw UsageError("--std", "must be above 0");
  }
  return *values;
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

// The dims of one item that the graph's first input takes.
ir::Dims item_of(const ir::Model& model, const std::string& path) {
  const ir::Graph& graph = model.main();
  if (graph.inputs.empty()) throw Error(path, "its graph has no input to preprocess for");
  ir::Shape shape = graph.value(graph.inputs.front()).shape;
  if (!shape.empty()) shape.erase(shape.begin());
  return ir::known_dims(shape, path);
}

void check_reading(const Options& options, const OptionGroup& group) {
  if (pass::find(group.options, "bind") && options.given("bind")) {
    for (const std::string& text : options.list("bind")) binding(text);
  }
  if (pass::find(group.options, "input_shape") && options.given("input_shape")) {
    for (const std::string& text : options.list("input_shape")) named_shape(text);
  }
  if (pass::find(group.options, "arch") && options.given("arch") && options.given("graph")) {
    throw UsageError("--graph", "contradicts --arch; give one of them");
  }
}

void check_preprocessing(const Options& options) {
  for (const char* name : {"mean", "std"}) {
    if (options.given(name)) numbers(options, name);
  }
  for (const char* name : {"input_scale", "mean", "std", "layout", "labels"}) {
    if (options.given("like") && options.given(name)) {
      throw UsageError("--like", "already says what --" + std::string(name) + " says; give one");
    }
  }
}

}  // namespace

OptionGroup reading_group(std::initializer_list<std::string_view> names) {
  std::string architectures;
  for (const auto& row : ir::all_architectures()) {
    architectures += (architectures.empty() ? "" : ", ") + std::string(row.name);
  }
  const pass::Schema all{
      {.name = "from",
       .type = OptionType::kChoice,
       .help = "Format of MODEL, when its content and extension do not tell",
       .choices = readable_formats()},
      {.name = "arch",
       .help = "A file of weights alone takes this architecture's graph: " + architectures,
       .metavar = "SPEC"},
      {.name = "graph",
       .help = "A file of weights alone takes the graph of this model",
       .metavar = "FILE"},
      {.name = "bind",
       .type = OptionType::kTextList,
       .help = "Fix an input of the graph, as in sr=16000: what decides a branch or a shape",
       .metavar = "NAME=VALUE"},
      {.name = "input_shape",
       .type = OptionType::kTextList,
       .help = "Shape of an input of a TorchScript module, which states none: batch,3,32,32, or "
               "ids=i64:1,16",
       .metavar = "[NAME=]SIZE,..."}};
  OptionGroup group{std::string(kReading), {}};
  for (const std::string_view name : names) {
    const Option* option = pass::find(all, name);
    require(option != nullptr, "reading option exists");
    group.options.push_back(*option);
  }
  return group;
}

OptionGroup preprocessing_group() {
  return {std::string(kPreprocessing),
          {{.name = "input_scale",
            .type = OptionType::kNumber,
            .help = "Multiply raw values by this first, e.g. 0.00392157 for 0..255 to 0..1",
            .min = 0,
            .min_open = true},
           {.name = "mean",
            .help = "Then subtract: one number, or one a channel, separated by commas",
            .metavar = "X,X,..."},
           {.name = "std",
            .help = "Then divide: one number, or one a channel, separated by commas",
            .metavar = "X,X,..."},
           {.name = "layout",
            .type = OptionType::kChoice,
            .help = "Order of an image's dimensions",
            .choices = {"NCHW", "NHWC"}},
           {.name = "labels", .help = "Class names, one a line", .metavar = "FILE"},
           {.name = "like",
            .help = "Take preprocessing and class names from this model",
            .metavar = "MODEL"}}};
}

Option opset_option() {
  return {.name = "opset",
          .type = OptionType::kChoice,
          .help = "ONNX operator set of the file to write (default: 17)",
          .choices = {"13", "17", "21"},
          .metavar = "N"};
}

void check_foreign_flags(const Command& command, const Options& options) {
  if (const OptionGroup* group = group_titled(command, kReading)) check_reading(options, *group);
  if (group_titled(command, kPreprocessing)) check_preprocessing(options);
  const pass::Schema schema = schema_of(command);
  if (pass::find(schema, "opset") && options.given("opset")) {
    const std::string to = pass::find(schema, "to") ? options.text("to") : "";
    if (formats::writer_for(options.text("output"), to).name != "onnx") {
      throw UsageError("--opset", "has no effect unless the file to write is ONNX");
    }
  }
}

formats::ReadOptions read_options(const Invocation& invocation) {
  formats::ReadOptions out;
  out.note = [&invocation](const std::string& text) { invocation.progress.log(text); };
  out.lower_torchscript = lower_in_pare_train;
  const OptionGroup* group = group_titled(invocation.command, kReading);
  if (!group) return out;
  const Options& options = invocation.options;
  for (const Option& option : group->options) {
    if (!options.given(option.name)) continue;
    if (option.name == "from") out.format = options.text("from");
    if (option.name == "arch") out.architecture = options.text("arch");
    if (option.name == "graph") out.graph = options.text("graph");
    if (option.name == "bind") {
      for (const std::string& text : options.list("bind")) out.bind.insert(binding(text));
    }
    if (option.name == "input_shape") {
      for (const std::string& text : options.list("input_shape")) {
        out.input_shapes.insert(named_shape(text));
      }
    }
  }
  return out;
}

formats::WriteOptions write_options(const Invocation& invocation) {
  formats::WriteOptions out{.threads = invocation.threads};
  out.note = [&invocation](const std::string& text) { invocation.progress.log(text); };
  const pass::Schema schema = schema_of(invocation.command);
  if (pass::find(schema, "opset") && invocation.options.given("opset")) {
    out.opset = std::stoi(invocation.options.text("opset"));
  }
  if (pass::find(schema, "to")) out.format = invocation.text("to");
  return out;
}

bool states_preprocessing(const Invocation& invocation) {
  const OptionGroup* group = group_titled(invocation.command, kPreprocessing);
  return group && std::ranges::any_of(group->options, [&](const Option& option) {
           return invocation.options.given(option.name);
         });
}

void state_preprocessing(const Invocation& invocation, const std::string& path, ir::Model& model) {
  const Options& options = invocation.options;
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

}  // namespace pare::cli
