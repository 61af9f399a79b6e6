// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/recipe/sweep.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <set>

#include "apps/pare/recipe/identity.hpp"
#include "apps/pare/recipe/scheduler.hpp"

namespace pare::cli {

namespace {

namespace fs = std::filesystem;

constexpr size_t kMostRuns = 10'000;
// Where the steps of a combination write before it is known which target they belong to.
constexpr std::string_view kNowhere = "@";

using Combination = std::vector<size_t>;  // index of the value of each axis

std::string typed(const Json& value) {
  return value.is_string() ? value.get<std::string>() : to_text(value);
}

// What make, a shell and a reader can take as a folder's name.
std::string folder_word(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-';
    out += plain ? c : '_';
  }
  return out;
}

// One combination, read and checked.
struct Variant {
  Combination combination;
  Recipe recipe;
  std::vector<std::string> keys;  // of each step: equal keys, equal results
};

class Planner {
 public:
  Planner(const Json& recipe, const std::string& path, const std::vector<SweepAxis>& axes)
      : json_(recipe), path_(path), axes_(axes) {}

  SweepPlan plan() {
    read_variants();
    place_steps();
    SweepPlan out;
    std::map<std::string, size_t> at;  // shared folder -> its place in out.shared
    for (const Variant& variant : variants_) {
      const std::string run = run_folder(variant.combination);
      SweepTarget target{.folder = run, .recipe = empty_recipe(run)};
      for (size_t i = 0; i < variant.recipe.steps.size(); ++i) {
        const RecipeStep& step = variant.recipe.steps[i];
        const std::string& folder = folders_.at(variant.keys[i]);
        if (is_report(step)) continue;
        if (folder.empty()) {
          add_step(variant, i, target);
        } else if (at.emplace(folder, out.shared.size()).second) {
          out.shared.push_back({.folder = folder, .recipe = empty_recipe(folder)});
          add_step(variant, i, out.shared.back());
        }
      }
      needs_all_steps(variant, target);
      out.runs.push_back(std::move(target));
    }
    add_reports(out);
    return out;
  }

 private:
  static bool is_report(const RecipeStep& step) { return step.command.name == "eval"; }

  // ---- the combinations ------------------------------------------------------------------------

  void read_variants() {
    size_t count = 1;
    for (const SweepAxis& axis : axes_) {
      count *= axis.values.size();
      if (count > kMostRuns) {
        throw UsageError("--set", "more than " + std::to_string(kMostRuns) + " combinations");
      }
    }
    for (size_t n = 0; n < count; ++n) {
      Combination combination(axes_.size());
      size_t rest = n;
      for (size_t a = axes_.size(); a-- > 0;) {
        combination[a] = rest % axes_[a].values.size();
        rest /= axes_[a].values.size();
      }
      Json json = json_;
      std::map<std::string, Json> variables;
      for (size_t a = 0; a < axes_.size(); ++a) {
        apply(axes_[a].name, axes_[a].values[combination[a]], json, variables);
      }
      Variant variant{.combination = combination,
                      .recipe = recipe_from_json(json, path_, variables, std::string(kNowhere))};
      variant.keys = keys_of(variant.recipe);
      variants_.push_back(std::move(variant));
    }
  }

  void apply(const std::string& name, const Json& value, Json& json,
             std::map<std::string, Json>& variables) const {
    const size_t dot = name.find('.');
    if (dot == std::string::npos) {
      variables[name] = value;
      return;
    }
    const std::string target = name.substr(0, dot);
    bool found = set_in_steps(json, "name", target, name.substr(dot + 1), value);
    found = found || set_in_steps(json, "command", target, name.substr(dot + 1), value);
    if (!found) {
      throw UsageError("--set",
                       name + ": " + path_ + " has no step and no command \"" + target + "\"");
    }
  }

  static bool set_in_steps(Json& json, const std::string& by, const std::string& target,
                           const std::string& option, const Json& value) {
    bool found = false;
    if (!json.is_object() || !json.contains("steps") || !json["steps"].is_array()) return false;
    for (Json& step : json["steps"]) {
      if (!step.is_object() || step.value(by, Json()) != target) continue;
      step["options"][option] = value;
      found = true;
    }
    return found;
  }

  // ---- what is shared --------------------------------------------------------------------------

  static std::vector<std::string> keys_of(const Recipe& recipe) {
    std::map<std::string, std::string> made;  // path -> key of the step that makes it
    std::vector<std::string> keys;
    for (const RecipeStep& step : recipe.steps) {
      Json key{{"command", step.command.name}, {"options", Json::object()}};
      const auto source = [&](const Json& path) {
        if (!path.is_string()) return path;
        const auto found = made.find(path.get<std::string>());
        return found == made.end() ? path : Json(found->second + path.get<std::string>());
      };
      for (const std::string& path : step.positionals) key["inputs"].push_back(source(path));
      const Json values = step.options.resolved();
      for (const auto& [name, value] : values.items()) {
        key["options"][name] = source(value);
        if (!value.is_array()) continue;
        key["options"][name] = Json::array();
        for (const Json& item : value) key["options"][name].push_back(source(item));
      }
      keys.push_back(to_text(key));
      for (const std::string& path : step.outputs) made[path] = keys.back();
    }
    return keys;
  }

  // The axes that have one value wherever the step is the same, and others elsewhere.
  std::string name_of_shared(const RecipeStep& step, const std::vector<Combination>& in) const {
    std::string name = folder_word(step.name);
    for (size_t a = 0; a < axes_.size(); ++a) {
      if (axes_[a].values.size() < 2) continue;
      const bool constant = std::ranges::all_of(
          in, [&](const Combination& combination) { return combination[a] == in.front()[a]; });
      if (constant) name += "_" + label(a, in.front()[a]);
    }
    return name;
  }

  void place_steps() {
    std::map<std::string, std::vector<Combination>> in;
    for (const Variant& variant : variants_) {
      for (const std::string& key : variant.keys) in[key].push_back(variant.combination);
    }
    for (const Variant& variant : variants_) {
      for (size_t i = 0; i < variant.keys.size(); ++i) {
        const std::string& key = variant.keys[i];
        if (folders_.contains(key)) continue;
        const RecipeStep& step = variant.recipe.steps[i];
        folders_[key] =
            in[key].size() < 2 ? std::string() : unique("shared/" + name_of_shared(step, in[key]));
      }
    }
  }

  std::string unique(const std::string& folder) {
    std::string out = folder;
    for (int n = 2; !taken_.insert(out).second; ++n) out = folder + "-" + std::to_string(n);
    return out;
  }

  std::string label(size_t axis, size_t value) const {
    const auto brief = [](const std::string& name) { return name.substr(name.rfind('.') + 1); };
    const std::string name = brief(axes_[axis].name);
    const auto same = std::ranges::count_if(
        axes_, [&](const SweepAxis& other) { return brief(other.name) == name; });
    return folder_word((same > 1 ? axes_[axis].name : name) + "-" +
                       typed(axes_[axis].values[value]));
  }

  std::string run_folder(const Combination& combination) {
    std::string name;
    for (size_t a = 0; a < axes_.size(); ++a) {
      name += (name.empty() ? "" : "_") + label(a, combination[a]);
    }
    std::string& folder = runs_[combination];
    if (folder.empty()) folder = unique("runs/" + name);
    return folder;
  }

  // ---- recipes of the targets ------------------------------------------------------------------

  static Json empty_recipe(const std::string& folder) {
    return {{"schema_version", 1}, {"output_dir", folder}, {"steps", Json::array()}};
  }

  // Where a path of the variant is: in the folder of the target that makes it, or a source.
  std::string placed(const Variant& variant, const std::string& path, SweepTarget& target) {
    for (size_t i = 0; i < variant.recipe.steps.size(); ++i) {
      const std::vector<std::string>& outputs = variant.recipe.steps[i].outputs;
      if (std::ranges::find(outputs, path) == outputs.end()) continue;
      const std::string& shared = folders_.at(variant.keys[i]);
      const std::string folder = shared.empty() ? run_folder(variant.combination) : shared;
      if (folder != target.folder) add_once(target.needs, folder);
      return folder + "/" + fs::path(path).lexically_relative(kNowhere).string();
    }
    if (path.starts_with("synthetic:")) return path;
    const std::string absolute = fs::absolute(path).lexically_normal().string();
    add_once(target.sources, absolute);
    return absolute;
  }

  static void add_once(std::vector<std::string>& list, const std::string& item) {
    if (std::ranges::find(list, item) == list.end()) list.push_back(item);
  }

  Json placed_value(const Variant& variant, const Json& value, SweepTarget& target) {
    if (value.is_string()) return placed(variant, value.get<std::string>(), target);
    Json out = Json::array();
    for (const Json& item : value) out.push_back(placed(variant, item, target));
    return out;
  }

  Json step_json(const Variant& variant, size_t number, SweepTarget& target) {
    const RecipeStep& step = variant.recipe.steps[number];
    Json out{{"name", step.name}, {"command", step.command.name}};
    for (const std::string& path : step.positionals) {
      out["inputs"].push_back(placed(variant, path, target));
    }
    const Json stated = step.options.stated();
    for (const pass::Option& option : schema_of(step.command)) {
      if (!stated.contains(option.name)) continue;
      Json value = stated[option.name];
      if (is_input_path(option)) value = placed_value(variant, value, target);
      if (is_output_path(option)) {
        value = fs::path(value.get<std::string>()).lexically_relative(kNowhere).string();
      }
      (option.name == "output" ? out : out["options"])[option.name] = value;
    }
    return out;
  }

  void add_step(const Variant& variant, size_t number, SweepTarget& target) {
    target.recipe["steps"].push_back(step_json(variant, number, target));
  }

  // A run is all of its steps, also those that nothing in its own recipe reads.
  void needs_all_steps(const Variant& variant, SweepTarget& target) const {
    for (size_t i = 0; i < variant.recipe.steps.size(); ++i) {
      const std::string& shared = folders_.at(variant.keys[i]);
      if (!shared.empty() && !is_report(variant.recipe.steps[i])) add_once(target.needs, shared);
    }
  }

  // ---- reports ---------------------------------------------------------------------------------

  // Evaluations that differ in nothing but their models become one, over all of their models.
  void add_reports(SweepPlan& out) {
    std::map<std::string, size_t> at;
    for (const Variant& variant : variants_) {
      for (size_t i = 0; i < variant.recipe.steps.size(); ++i) {
        const RecipeStep& step = variant.recipe.steps[i];
        if (!is_report(step)) continue;
        const std::string key = step.name + to_text(step.options.resolved());
        const auto [place, is_new] = at.emplace(key, out.reports.size());
        if (is_new) out.reports.push_back(new_report(variant, i, at.size()));
        SweepTarget& report = out.reports[place->second];
        Json& inputs = report.recipe["steps"][0]["inputs"];
        for (const std::string& path : step.positionals) {
          const Json input = placed(variant, path, report);
          if (std::find(inputs.begin(), inputs.end(), input) == inputs.end()) {
            inputs.push_back(input);
          }
        }
      }
    }
  }

  SweepTarget new_report(const Variant& variant, size_t number, size_t count) {
    const std::string folder = count == 1 ? "report" : "report-" + std::to_string(count);
    SweepTarget report{.folder = folder, .recipe = empty_recipe(folder)};
    Json step = step_json(variant, number, report);
    step["inputs"] = Json::array();
    if (!step.contains("options") || !step["options"].contains("html")) {
      step["options"]["html"] = "report.html";
    }
    report.recipe["steps"].push_back(std::move(step));
    return report;
  }

  const Json& json_;
  const std::string& path_;
  const std::vector<SweepAxis>& axes_;
  std::vector<Variant> variants_;
  std::map<std::string, std::string> folders_;  // key of a step -> its folder, "" when not shared
  std::map<Combination, std::string> runs_;
  std::set<std::string> taken_;
};

}  // namespace

SweepAxis parse_axis(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
    throw UsageError("--set", "NAME=VALUE,VALUE... is expected, got \"" + text + "\"");
  }
  SweepAxis axis{.name = text.substr(0, equals)};
  const std::string values = text.substr(equals + 1);
  const Json list = Json::parse(values, nullptr, /*allow_exceptions=*/false);
  if (list.is_array()) {
    axis.values.assign(list.begin(), list.end());
  } else {
    for (size_t at = 0; at <= values.size();) {
      const size_t comma = std::min(values.find(',', at), values.size());
      const std::string word = values.substr(at, comma - at);
      const Json parsed = Json::parse(word, nullptr, /*allow_exceptions=*/false);
      axis.values.push_back(parsed.is_number() || parsed.is_boolean() ? parsed : Json(word));
      at = comma + 1;
    }
  }
  for (size_t i = 0; i < axis.values.size(); ++i) {
    const bool repeated = std::find(axis.values.begin(), axis.values.begin() + static_cast<long>(i),
                                    axis.values[i]) != axis.values.begin() + static_cast<long>(i);
    if (repeated || axis.values[i] == "") {
      throw UsageError("--set", axis.name + ": a value is " + (repeated ? "repeated" : "empty"));
    }
  }
  if (axis.values.empty()) throw UsageError("--set", axis.name + ": has no values");
  return axis;
}

SweepPlan plan_sweep(const Json& recipe, const std::string& path,
                     const std::vector<SweepAxis>& axes) {
  return Planner(recipe, path, axes).plan();
}

}  // namespace pare::cli
