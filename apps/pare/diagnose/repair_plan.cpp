// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/diagnose/repair_plan.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

#include "apps/pare/foreign_model.hpp"
#include "apps/pare/pass_command.hpp"
#include "apps/pare/recipe/recipe.hpp"
#include "prune/passes.hpp"
#include "quantize/passes.hpp"

namespace pare::cli {

namespace {

using eval::Cause;

constexpr int64_t kEnoughSamples = 512;

bool same_entry(const ir::HistoryEntry& a, const ir::HistoryEntry& b) {
  return a.pass == b.pass && a.options == b.options && a.seed == b.seed && a.inputs == b.inputs;
}

bool continues(const std::vector<ir::HistoryEntry>& base,
               const std::vector<ir::HistoryEntry>& candidate) {
  return candidate.size() > base.size() &&
         std::equal(base.begin(), base.end(), candidate.begin(), same_entry);
}

bool trains(const ir::HistoryEntry& entry) {
  return entry.pass == "train" || entry.pass == "distill" ||
         (entry.options.is_object() && entry.options.contains("epochs"));
}

bool integer_scheme(const Json& options) {
  const std::string scheme = options.value("scheme", "");
  return scheme == "w8a8" || scheme == "w4a8";
}

bool runs_in_integers(const ir::Model& model) {
  if (model.graphs.empty()) return false;
  const auto& values = model.main().values();
  return std::ranges::any_of(values,
                             [](const ir::Value& value) { return value.quant.has_value(); });
}

void apply(const OptionChange& change, PlannedCommand& step) {
  if (step.command != change.command) return;
  if (change.value.is_null()) {
    step.options.erase(change.option);
    return;
  }
  const Command command = find_command(step.command).make();
  const pass::Schema schema = schema_of(command);
  const pass::Option* option = pass::find(schema, change.option);
  require(option != nullptr, "a repair changes an option that exists");
  if (option->type != pass::OptionType::kTextList) {
    step.options[change.option] = change.value;
    return;
  }
  Json& list = step.options[change.option];
  if (!list.is_array()) list = Json::array();
  if (std::ranges::find(list, change.value) == list.end()) list.push_back(change.value);
}

}  // namespace

RepairPlanner::RepairPlanner(const Invocation& invocation, const LoadedModel& base,
                             const LoadedModel& candidate)
    : base_path_(base.path),
      candidate_path_(candidate.path),
      layers_(pass::weight_layers(base.model)) {
  const pass::Options& options = invocation.options;
  calibration_data_ =
      options.given("calibration_data") ? options.text("calibration_data") : options.text("data");
  base_states_ = base.model.metadata.preprocessing.stated;
  for (const auto& [name, tensor] : base.model.parameters.entries()) {
    if (!tensor.is_quantized()) continue;
    obstacle_ = "the base is quantized itself; diagnose against the float model";
    return;
  }
  if (continues(base.model.metadata.history, candidate.model.metadata.history)) {
    plan_recorded(base.model, candidate.model);
  } else {
    plan_assumed(candidate.model);
  }
  if (obstacle_.empty()) add_reading_flags(invocation);
}

void RepairPlanner::plan_recorded(const ir::Model& base, const ir::Model& candidate) {
  const auto& history = candidate.metadata.history;
  for (size_t i = base.metadata.history.size(); i < history.size(); ++i) {
    const ir::HistoryEntry& entry = history[i];
    if (trains(entry)) {
      obstacle_ = "the candidate was trained after the base (" + escaped(entry.pass) +
                  "), which is not done again here; diagnose against the trained model";
      return;
    }
    if (entry.pass == "quantize" || entry.pass == "prune") add_step(entry);
    if (!obstacle_.empty()) return;
  }
  if (recorded_.empty()) plan_assumed(candidate);
}

// A history comes from a file: only options that the pass has are taken over.
void RepairPlanner::add_step(const ir::HistoryEntry& entry) {
  PlannedCommand step{.command = entry.pass};
  const auto passes = entry.pass == "prune" ? prune::passes() : quantize::passes();
  const pass::Schema& schema = pass_named(passes, entry.pass).options;
  Json own = Json::object();  // the rest is the command line's: where data came from
  if (entry.options.is_object()) {
    for (const auto& [name, value] : entry.options.items()) {
      if (pass::find(schema, name) != nullptr) own[name] = value;
    }
  }
  try {
    step.options = pass::Options(schema, own).stated();
  } catch (const UsageError& error) {
    obstacle_ =
        "the candidate's history holds options that do not hold here: " + std::string(error.what());
    return;
  }
  if (entry.seed != 0) step.options["seed"] = entry.seed;
  if (integer_scheme(step.options)) {
    step.options["calibration_data"] = calibration_data_;
  }
  recorded_.push_back(std::move(step));
}

// A model from elsewhere does not say how it was made: what would be done here.
void RepairPlanner::plan_assumed(const ir::Model& candidate) {
  ir::HistoryEntry entry{.pass = "quantize", .options = Json::object()};
  int bits = 0;
  for (const auto& [name, tensor] : candidate.parameters.entries()) {
    if (!tensor.is_quantized() || tensor.scheme()->code == ir::DType::kI32) continue;
    const int own = ir::info(tensor.scheme()->code).bits;
    bits = bits == 0 ? own : std::min(bits, own);
  }
  if (bits == 0) {
    obstacle_ = "its history does not say how it was made from the base";
    return;
  }
  const std::string weights = bits == 4 ? "w4" : "w8";
  entry.options["scheme"] = weights + (runs_in_integers(candidate) ? "a8" : "a16");
  add_step(entry);
}

// What the files leave open was said to diagnose, and has to be said again.
void RepairPlanner::add_reading_flags(const Invocation& invocation) {
  PlannedCommand& first = recorded_.front();
  const Json stated = invocation.options.stated();
  const bool states =
      states_preprocessing(invocation) &&
      !formats::read(base_path_, read_options(invocation)).metadata.preprocessing.stated;
  std::vector<pass::Option> known =
      reading_group({"from", "arch", "graph", "bind", "input_shape"}).options;
  if (states) {
    for (pass::Option& option : preprocessing_group().options) known.push_back(std::move(option));
  }
  if (first.options.contains("calibration_data")) known.push_back({.name = "label_column"});
  for (const pass::Option& option : known) {
    if (stated.contains(option.name)) first.options[option.name] = stated[option.name];
  }
}

bool RepairPlanner::has(const std::string& command) const {
  return std::ranges::any_of(recorded_,
                             [&](const PlannedCommand& step) { return step.command == command; });
}

std::vector<Changes> RepairPlanner::changes_for(const eval::Finding& finding,
                                                const eval::PartDiagnosis& part) const {
  const OptionChange exclude{"quantize", "exclude", part.name};
  const OptionChange samples{"quantize", "calibration_samples", kEnoughSamples};
  const OptionChange least_error{"quantize", "calibration_method", "mse"};
  const OptionChange no_percentile{"quantize", "percentile", nullptr};
  const OptionChange all_seen{"quantize", "calibration_method", "minmax"};
  const OptionChange channels{"quantize", "granularity", "channel"};
  const auto any_step = [&](const auto& holds) {
    return std::ranges::any_of(recorded_, [&](const auto& step) { return holds(step.options); });
  };
  const bool integers = any_step(integer_scheme);
  const bool eight_bits =
      any_step([](const Json& options) { return options.value("scheme", "") == "w8a8"; });
  const bool in_codes = has("quantize") && part.kind == eval::PartKind::kLayer;
  std::vector<Changes> out;
  const Cause cause = finding.evidence.cause;
  const bool pruned = cause == Cause::kPrunedChannel || cause == Cause::kPrunedWeights;
  if (pruned && has("prune")) out.push_back({{"prune", "exclude", part.name}});
  if (cause == Cause::kPerTensor && (eight_bits || !integers)) out.push_back({channels});
  if (cause == Cause::kFewSamples) out.push_back({samples});
  if (cause == Cause::kCoarseWeights && !eight_bits && has("quantize")) {
    out.push_back({{"quantize", "layer", part.name + "=bits:8"}});
  }
  out.push_back({});  // as recorded
  if (integers && cause != Cause::kPerTensor && !pruned) {
    out.push_back({samples, least_error, no_percentile});
    out.push_back({samples, all_seen, no_percentile});
  }
  if (in_codes) out.push_back({exclude});
  if (cause == Cause::kUnexplained && has("prune")) {
    out.push_back({{"prune", "exclude", part.name}});
  }
  return out;
}

// A rule for layers that are all excluded now would match nothing, which the passes refuse.
void RepairPlanner::drop_idle_rules(PlannedCommand& step) const {
  const Json excluded = step.options.value("exclude", Json::array());
  if (!step.options.contains("layer") || excluded.empty()) return;
  const auto touches = [&](const Json& rule) {
    const std::string text = rule.get<std::string>();
    const std::string pattern = text.substr(0, text.rfind('='));
    return std::ranges::any_of(layers_, [&](const pass::WeightLayer& layer) {
      return pass::matches(pattern, layer) && std::ranges::none_of(excluded, [&](const Json& one) {
               return pass::matches(one.get<std::string>(), layer);
             });
    });
  };
  Json kept = Json::array();
  for (const Json& rule : step.options["layer"]) {
    if (touches(rule)) kept.push_back(rule);
  }
  if (kept.empty()) {
    step.options.erase("layer");
  } else {
    step.options["layer"] = std::move(kept);
  }
}

RepairPlan RepairPlanner::changed(const Changes& changes) const {
  RepairPlan plan{.start = base_path_, .commands = recorded_};
  for (PlannedCommand& step : plan.commands) {
    for (const OptionChange& change : changes) apply(change, step);
    drop_idle_rules(step);
  }
  return plan;
}

std::vector<RepairPlan> RepairPlanner::plans_for(const eval::Finding& finding,
                                                 const eval::PartDiagnosis& part) const {
  std::vector<RepairPlan> plans;
  if (finding.evidence.cause == Cause::kPreprocessing && base_states_) {
    plans.push_back({.start = candidate_path_,
                     .commands = {{.command = "convert", .options = {{"like", base_path_}}}}});
  }
  if (!obstacle_.empty()) return plans;
  for (const Changes& changes : changes_for(finding, part)) plans.push_back(changed(changes));
  return plans;
}

RepairPlan RepairPlanner::merged(const std::vector<RepairPlan>& plans) const {
  RepairPlan out{.start = base_path_, .commands = recorded_};
  for (const RepairPlan& plan : plans) {
    if (plan.start != base_path_) continue;  // made from the base, preprocessing is the base's
    for (size_t s = 0; s < out.commands.size(); ++s) {
      for (const auto& [name, value] : plan.commands[s].options.items()) {
        const bool recorded = recorded_[s].options.contains(name);
        if (recorded && recorded_[s].options[name] == value) continue;
        if (!value.is_array()) {
          out.commands[s].options[name] = value;
          continue;
        }
        for (const Json& item : value) {
          apply({out.commands[s].command, name, item}, out.commands[s]);
        }
      }
    }
  }
  for (PlannedCommand& step : out.commands) drop_idle_rules(step);
  return out;
}

std::vector<std::vector<std::string>> arguments_of(const RepairPlan& plan,
                                                   const std::string& output, bool in_place,
                                                   const Json& extra) {
  std::vector<std::vector<std::string>> out;
  std::string input = plan.start;
  for (size_t s = 0; s < plan.commands.size(); ++s) {
    const PlannedCommand& planned = plan.commands[s];
    std::filesystem::path target = output;
    const bool last = s + 1 == plan.commands.size();
    if (!last && !in_place) target.replace_extension("." + planned.command + ".pare");
    RecipeStep step{.name = planned.command,
                    .command = find_command(planned.command).make(),
                    .positionals = {input}};
    Json options = planned.options;
    options["output"] = target.string();
    step.options = pass::Options(schema_of(step.command), options);
    Json known = Json::object();
    for (const auto& [name, value] : extra.items()) {
      if (pass::find(schema_of(step.command), name)) known[name] = value;
    }
    out.push_back(arguments_of(step, known));
    input = target.string();
  }
  return out;
}

}  // namespace pare::cli
